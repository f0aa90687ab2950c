package golang

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"strings"
)

//go:embed shim
var shim embed.FS

// shimFiles are the texts of the shim, by their names, as files of a package main.
func shimFiles() (map[string][]byte, error) {
	files, err := shim.ReadDir("shim")
	texts := map[string][]byte{}
	for _, f := range files {
		text, errRead := shim.ReadFile("shim/" + f.Name())
		err = errors.Join(err, errRead)
		_, body, _ := bytes.Cut(append([]byte("\n"), text...), []byte("\npackage shim\n"))
		texts["zz_hotpod_"+f.Name()] = append([]byte("package main\n"), body...)
	}
	return texts, err
}

// mainFile is a main that gives the shim all symbols of the source: which one is served is said when the function is loaded.
func mainFile(s source, importPath string) []byte {
	var text strings.Builder
	text.WriteString("package main\n\n")
	qualifier := ""
	if importPath != "" {
		fmt.Fprintf(&text, "import function %q\n\n", importPath)
		qualifier = "function."
	}
	text.WriteString("func main() {\n\tHotpodMain(map[string]any{\n")
	for _, name := range s.symbols {
		address := ""
		if s.variables[name] {
			address = "&" // main runs after the variables have their values, but init functions may replace them.
		}
		fmt.Fprintf(&text, "\t\t%q: %s%s%s,\n", name, address, qualifier, name)
	}
	text.WriteString("\t})\n}\n")
	return []byte(text.String())
}

// withoutMain copies the file with the source's main, and makes that main a function that nobody calls.
func withoutMain(s source, to string) error {
	text, err := os.ReadFile(s.main.Name())
	if err != nil {
		return err
	}
	at := s.main.Offset(s.mainName)
	changed := string(text[:at]) + "_" + string(text[at+len("main"):])
	return os.WriteFile(to, []byte(changed), 0o600)
}
