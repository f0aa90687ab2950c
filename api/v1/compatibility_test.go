package v1_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"hotpod.dev/internal/manifesttest"
)

// row is one of docs/compatibility.md.
type row struct {
	field, state string
	tests        []string
}

// compatibility reads the tables of docs/compatibility.md, by kind.
func compatibility(t *testing.T) map[string][]row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manifesttest.Root(t), "docs", "compatibility.md"))
	if err != nil {
		t.Fatal(err)
	}
	tables, kind := map[string][]row{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			kind = name
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if kind == "" || len(cells) != 4 || strings.Contains(cells[1], "---") || strings.TrimSpace(cells[0]) == "field" {
			continue
		}
		r := row{field: strings.Trim(cells[0], " `"), state: strings.TrimSpace(cells[1])}
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1) {
			r.tests = append(r.tests, name[1])
		}
		tables[kind] = append(tables[kind], r)
	}
	return tables
}

// has reports whether a row is about the field, by itself or by one above it.
func has(rows []row, field string) bool {
	return slices.ContainsFunc(rows, func(r row) bool {
		above, all := strings.CutSuffix(r.field, ".*")
		return r.field == field || all && (above == field || strings.HasPrefix(field, above+"."))
	})
}

func TestCompatibility_EveryFieldHasARow(t *testing.T) {
	tables := compatibility(t)
	for kind, resource := range resources {
		for _, field := range definedFields(t, resource) {
			if !has(tables[kind], field) {
				t.Errorf("docs/compatibility.md has no row for %s %s", kind, field)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join("testdata", "contract-fields.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		kind, field, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && kind != "#" && !has(tables[kind], field) {
			t.Errorf("docs/compatibility.md has no row for Fission's %s %s", kind, field)
		}
	}
}

// fieldSchema is what is looked at of a definition's.
type fieldSchema struct {
	Properties map[string]fieldSchema `json:"properties"`
	Items      *fieldSchema           `json:"items"`
}

// definedFields are the fields of a definition that have none below them.
func definedFields(t *testing.T, resource string) (fields []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manifesttest.Root(t), "manifests", "crds", "fission.io_"+resource+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema fieldSchema `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, s fieldSchema)
	walk = func(path string, s fieldSchema) {
		if s.Items != nil {
			s = *s.Items
		}
		if len(s.Properties) == 0 || strings.HasSuffix(path, ".conditions") {
			fields = append(fields, path)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			walk(path+"."+name, s.Properties[name])
		}
	}
	for _, part := range []string{"spec", "status"} {
		walk(part, crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties[part])
	}
	return fields
}

func TestCompatibility_EveryRowHasTestsThatExist(t *testing.T) {
	tables := compatibility(t)
	if len(tables) != len(resources) {
		t.Errorf("tables of %d kinds, want %d", len(tables), len(resources))
	}
	exists := map[string]bool{}
	for kind, rows := range tables {
		seen := map[string]bool{}
		for _, r := range rows {
			if seen[r.field] || !slices.Contains([]string{"works", "accepted with a warning", "refused"}, r.state) || len(r.tests) == 0 {
				t.Errorf("%s %s: state %q, tests %v; each field once, with a state and a test", kind, r.field, r.state, r.tests)
			}
			seen[r.field] = true
			for _, name := range r.tests {
				if _, known := exists[name]; !known {
					exists[name] = testExists(t, name)
				}
				if !exists[name] {
					t.Errorf("%s %s: there is no test %q", kind, r.field, name)
				}
			}
		}
	}
}

// testExists looks for "folder TestName" or "story name".
func testExists(t *testing.T, test string) bool {
	t.Helper()
	root := manifesttest.Root(t)
	folder, name, _ := strings.Cut(test, " ")
	if folder == "story" {
		_, err := os.Stat(filepath.Join(root, "test", "testdata", name+".txtar"))
		return err == nil
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(text), "\nfunc "+name+"(t ")
	})
}
