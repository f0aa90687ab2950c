package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"hotpod.dev/logline"
)

// print writes entries as the flags ask.
func (f *logFlags) print(w io.Writer, lines []logline.Record) error {
	for i := range lines {
		if err := f.printOne(w, &lines[i]); err != nil {
			return err
		}
	}
	return nil
}

func (f *logFlags) printOne(w io.Writer, r *logline.Record) error {
	if f.format == "json" {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		return out.Encode(r)
	}
	prefix := ""
	switch {
	case f.detail:
		prefix = fmt.Sprintf("%s %-5s %s generation %d request %s: ",
			r.Time.Format(time.RFC3339Nano), dash(logline.LevelName(r.Level)), r.Pod, r.Generation, dash(r.RequestID))
	case f.prefix:
		prefix = "[" + r.Pod + "] "
	}
	var text strings.Builder
	r.Each(func(_ time.Time, line string) { text.WriteString(prefix + line + "\n") })
	_, err := io.WriteString(w, text.String())
	return err
}
