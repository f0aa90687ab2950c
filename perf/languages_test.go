package perf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestLanguages_AreThere(t *testing.T) {
	for _, l := range languages() {
		for _, file := range []string{filepath.Join("environments", l.folder, "image.yaml"), l.source} {
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestConfig_ChooseTakesWhatIsNamedFirst(t *testing.T) {
	c := Config{Image: "mine"}
	if err := c.choose("python"); err != nil || c.Image != "mine" || c.Source != "examples/hello.py" || c.Environment != "python" {
		t.Error(c, err)
	}
	if err := (&Config{}).choose("cobol"); err == nil {
		t.Error("chose an environment that nobody knows")
	}
}

func TestInEachLanguage_RowsSayForWhich(t *testing.T) {
	var images []string
	one := func(_ context.Context, s *Session, r *Results) error {
		images = append(images, s.config.Image)
		r.Add(Row{Metric: "m", Parameters: map[string]string{"n": "1"}}, 1)
		return nil
	}
	s := &Session{config: Config{Environment: "nodejs,python"}}
	var r Results
	if err := inEachLanguage(one)(t.Context(), s, &r); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(images, []string{"hotpod/node-env", "hotpod/python-env"}) || len(r.Rows) != 2 ||
		r.Rows[1].Parameters[paramEnvironment] != "python" || r.Rows[1].Parameters["n"] != "1" {
		t.Error(images, r.Rows)
	}
	fault := errors.New("fault")
	failing := func(_ context.Context, _ *Session, r *Results) error { r.Add(Row{}, 1); return fault }
	r = Results{}
	if err := inEachLanguage(failing)(t.Context(), s, &r); !errors.Is(err, fault) || len(r.Rows) != 1 {
		t.Error(err, r.Rows)
	}
}

func TestParseProcessors(t *testing.T) {
	busy, all, ok := parseProcessors([]byte("cpu  10 1 5 100 20 2 3 4 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n"))
	if !ok || busy != 10+1+5+2+3+4 || all != busy+100+20 {
		t.Error(busy, all, ok)
	}
	for _, text := range []string{"", "cpu 1 2 3\n", "cpu 1 2 3 x 5 6 7 8\n"} {
		if _, _, ok := parseProcessors([]byte(text)); ok {
			t.Errorf("read %q", text)
		}
	}
}
