package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the list of commands into docs/cli.md")

const (
	referenceBegins = "<!-- commands: written by `go test ./cli -run Reference -update` -->\n"
	referenceEnds   = "<!-- end of commands -->\n"
)

// leaves returns all commands that do something, in the order of the tree.
func leaves(cmd *cobra.Command) []*cobra.Command {
	if !cmd.HasSubCommands() {
		return []*cobra.Command{cmd}
	}
	var out []*cobra.Command
	for _, child := range cmd.Commands() {
		if child.Name() != "help" && child.Name() != "completion" {
			out = append(out, leaves(child)...)
		}
	}
	return out
}

func tree() *cobra.Command {
	return New(Config{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
}

// describeAll describes every command with its flags.
func describeAll(root *cobra.Command) string {
	var b strings.Builder
	for _, cmd := range leaves(root) {
		fmt.Fprintf(&b, "\n### %s\n\n%s.", cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
		if names := append(prefixed(cmd.Parent().Aliases, cmd.Parent().Name()), cmd.Aliases...); len(names) > 0 {
			fmt.Fprintf(&b, " Also: `%s`.", strings.Join(names, "`, `"))
		}
		fmt.Fprintf(&b, "\n\n    %s\n", strings.TrimSpace(strings.TrimSuffix(cmd.UseLine(), "[flags]")))
		describeFlags(&b, cmd)
	}
	return b.String()
}

// prefixed marks a noun's other names as such.
func prefixed(aliases []string, noun string) []string {
	var out []string
	for _, a := range aliases {
		out = append(out, a+" for "+noun)
	}
	return out
}

func describeFlags(b *strings.Builder, cmd *cobra.Command) {
	rows := 0
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		if rows++; rows == 1 {
			b.WriteString("\n| flag | default | |\n| --- | --- | --- |\n")
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name += ", `-" + f.Shorthand + "`"
		}
		value := f.DefValue
		if value == "" || value == "[]" || value == "false" || value == "0" && f.Value.Type() != "int" {
			value = ""
		} else {
			value = "`" + strings.Trim(value, "[]") + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, value, strings.ReplaceAll(f.Usage, "|", "\\|"))
	})
}

func TestReference_IsInTheDocs(t *testing.T) {
	path := filepath.Join("..", "docs", "cli.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	begin, end := strings.Index(text, referenceBegins), strings.Index(text, referenceEnds)
	if begin < 0 || end < begin {
		t.Fatalf("%s has no place for the commands", path)
	}
	begin += len(referenceBegins)
	want := describeAll(tree()) + "\n"
	if text[begin:end] == want {
		return
	}
	if !*update {
		t.Fatalf("%s does not describe the commands as they are: run go test ./cli -run Reference -update", path)
	}
	if err := os.WriteFile(path, []byte(text[:begin]+want+text[end:]), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReference_NamesEveryVariable(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`Getenv\("([A-Z_]+)"\)`)
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range read.FindAllStringSubmatch(string(code), -1) {
			if !strings.Contains(string(docs), "`"+m[1]+"`") {
				t.Errorf("%s reads %s, and docs/cli.md does not say what for", file, m[1])
			}
		}
	}
}

// Every command is told in a story.
func TestStories_ShowEveryCommand(t *testing.T) {
	stories, err := filepath.Glob(filepath.Join("..", "test", "testdata", "*.txtar"))
	if err != nil || len(stories) == 0 {
		t.Fatal("there are no stories", err)
	}
	var all strings.Builder
	for _, story := range stories {
		data, err := os.ReadFile(story)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	for _, cmd := range leaves(tree()) {
		switch cmd.Name() {
		case "local", "up", "down": // the platform's own tests tell of them
			continue
		}
		var words []string
		for c := cmd; c.HasParent(); c = c.Parent() {
			words = append([]string{"(" + strings.Join(append([]string{c.Name()}, c.Aliases...), "|") + ")"}, words...)
		}
		if !regexp.MustCompile(`hotpod ` + strings.Join(words, " ") + `\b`).MatchString(all.String()) {
			t.Errorf("no story shows %q", cmd.CommandPath())
		}
	}
}
