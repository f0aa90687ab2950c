package golang

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadSource_SaysWhatAPackageIs(t *testing.T) {
	const handler = "func Handler(http.ResponseWriter, *http.Request) {}\n"
	for name, test := range map[string]struct {
		text      string
		symbols   []string
		isProgram bool
	}{
		"function without a main":    {"package main\nimport \"net/http\"\n" + handler, []string{"Handler"}, false},
		"function with a main":       {"package main\nimport \"net/http\"\n" + handler + "func main() { println() }\n", []string{"Handler"}, false},
		"function with an empty one": {"package main\nfunc Other() {}\nfunc main() {}\n", []string{"Other"}, false},
		"program":                    {"package main\nfunc Helper() {}\nfunc main() { println() }\n", []string{"Helper"}, true},
		"another package":            {"package shop\nvar A, B, c = 1, 2, 3\nconst C = 1\nfunc main() { println() }\n", []string{"A", "B"}, false},
		"methods and generics":       {"package shop\ntype T int\nfunc (T) Method() {}\nfunc Generic[V any](V) {}\nfunc F() {}\n", []string{"F"}, false},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f.go"), []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := readSource(dir)
		if err != nil || !slices.Equal(s.symbols, test.symbols) || s.isProgram() != test.isProgram {
			t.Errorf("%s: symbols %v, program %v, %v", name, s.symbols, s.isProgram(), err)
		}
	}
}

func TestMainFile_GivesVariablesByTheirAddress(t *testing.T) {
	text := string(mainFile(source{name: "shop", symbols: []string{"F", "V"}, variables: map[string]bool{"V": true}}, "example.com/shop"))
	for _, want := range []string{`import function "example.com/shop"`, `"F": function.F`, `"V": &function.V`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestShimFiles_AreOfPackageMain(t *testing.T) {
	texts, err := shimFiles()
	if err != nil || len(texts) != 2 {
		t.Fatalf("%d files, %v", len(texts), err)
	}
	for name, text := range texts {
		if !strings.HasPrefix(string(text), "package main\n\nimport (") || !strings.Contains(string(text), "func hotpod") {
			t.Errorf("%s begins %.60q", name, text)
		}
	}
}

func TestWithLines_ShowsTheSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deployarchive")
	if err := os.WriteFile(path, []byte("package main\n\n\tfunc broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := withLines("# function\n./function.go:3:7: syntax error\n", path); got != "# function\n./function.go:3:7: syntax error\n\t3 | func broken\n" {
		t.Errorf("got %q", got)
	}
}
