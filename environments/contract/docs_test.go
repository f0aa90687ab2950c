package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDocs_DescribeEveryTestFunction(t *testing.T) {
	doc, err := os.ReadFile("../../docs/adding-a-language.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/ruby/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".rb")
		if name != "forms" && !strings.Contains(string(doc), "`"+name) {
			t.Errorf("docs/adding-a-language.md does not say what %s does", name)
		}
	}
}

func TestDocs_TemplateCanBeRead(t *testing.T) {
	l, err := ReadLanguage("../../docs/language-template", "../../docs/language-template/contract")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, c := range Checks() {
		known[c.Area+": "+c.Name] = true
	}
	for name := range l.Traits.Cannot {
		if !known[name] {
			t.Errorf("the template excludes %q, which is no check", name)
		}
	}
}
