package golang

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// complaint is the beginning of a line by which the go command says where something is wrong.
var complaint = regexp.MustCompile(`^(?:\./)?([\w./-]+\.go):(\d+):`)

// withLines puts the lines of the source below what the go command says of them. The source is a file or a folder.
func withLines(said, source string) string {
	var text strings.Builder
	for line := range strings.Lines(said) {
		text.WriteString(line)
		match := complaint.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		if at := sourceLine(source, match[1], match[2]); at != "" {
			text.WriteString("\t" + match[2] + " | " + at + "\n")
		}
	}
	return text.String()
}

func sourceLine(source, file, number string) string {
	path := source
	if info, err := os.Stat(source); err != nil {
		return ""
	} else if info.IsDir() {
		path = filepath.Join(source, file)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(string(raw), "\n")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[n-1])
}
