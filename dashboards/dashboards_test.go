package dashboards

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFiles_AreThoseInTheRepository(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("..", path))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code makes: run go generate ./dashboards (%v)", path, err)
		}
	}
	there, err := filepath.Glob("../manifests/monitoring/dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if _, ok := files[strings.TrimPrefix(path, "../")]; !ok {
			t.Errorf("%s is made by nobody", path)
		}
	}
}

func TestCatalog_NamesFollowTheConventions(t *testing.T) {
	targets := []string{"namespace", "pod", "container", "service", "job", "instance", "node", "endpoint", "part", "le", "quantile"}
	for _, m := range Catalog() {
		total := strings.HasSuffix(m.Name, "_total")
		if total != (m.Type == "counter") {
			t.Errorf("%s is a %s: counters, and only they, end in _total", m.Name, m.Type)
		}
		if !slices.Contains([]string{"counter", "gauge", "histogram", "summary"}, m.Type) {
			t.Errorf("%s is a %q", m.Name, m.Type)
		}
		if m.Type == "histogram" && strings.HasPrefix(m.Name, "hotpod_") && !strings.HasSuffix(m.Name, "_duration_seconds") {
			t.Errorf("%s: times end in _duration_seconds", m.Name)
		}
		for _, l := range m.Labels {
			if slices.Contains(targets, l) {
				t.Errorf("%s has label %s, which is Prometheus' own", m.Name, l)
			}
		}
		if !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: %q is no sentence", m.Name, m.Help)
		}
	}
}

func TestBoardsAndAlerts_ReadOnlyWhatIsDocumented(t *testing.T) {
	known := map[string]bool{}
	for _, m := range Catalog() {
		known[m.Name] = true
	}
	read := map[string]string{}
	for _, d := range All() {
		for _, name := range d.Metrics() {
			read[name] = d.Title
		}
	}
	for _, a := range Alerts() {
		for _, name := range metricsOf(a.Expr) {
			read[name] = a.Name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if strings.HasPrefix(name, "hotpod_") && !known[name] {
			t.Errorf("%s reads %s, which is not in metrics.txt", read[name], name)
		}
	}
	if len(read) < 50 {
		t.Errorf("only %d metrics are read", len(read))
	}
}

func TestBoards_HavePlacesThatDoNotOverlap(t *testing.T) {
	for _, d := range All() {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok || x >= 24 {
						t.Fatalf("%s: %q lies on %q or beyond the edge", d.Title, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

func TestAlerts_HaveRunbooks(t *testing.T) {
	there, err := filepath.Glob("../docs/runbooks/Hotpod*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Alerts() {
		path := "../docs/runbooks/" + a.Name + ".md"
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, head := range []string{"# " + a.Name, "## What it means", "## What to look at", "## What to do"} {
			if !strings.Contains(string(text), head) {
				t.Errorf("%s lacks %q", path, head)
			}
		}
		there = slices.DeleteFunc(there, func(p string) bool { return p == path })
	}
	if len(there) > 0 {
		t.Errorf("runbooks of no alert: %v", there)
	}
}

func TestDraw_WritesSVGWithEveryPanel(t *testing.T) {
	d := Overview()
	var out bytes.Buffer
	err := Draw(&out, d, func(Panel) []Series {
		return []Series{{Name: "a <b>", Times: []float64{1, 2, 3}, Values: []float64{1, 2, 3}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if !strings.Contains(out.String(), ">"+p.Title+"<") {
			t.Errorf("%q is not there", p.Title)
		}
	}
	if n := strings.Count(out.String(), " L") + strings.Count(out.String(), "L"); n == 0 {
		t.Error("there are no lines")
	}
	for dec := xml.NewDecoder(&out); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
}
