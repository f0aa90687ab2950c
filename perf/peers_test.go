package perf

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHashModule_FollowsNamesAndContents(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := hashModule(dir)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	seen := map[string]bool{}
	for _, sum := range []string{write("go.sum", "a"), write("go.sum", "b"), write("x.go", ""), write("y.go", "")} {
		if seen[sum] {
			t.Error("two states have one hash")
		}
		seen[sum] = true
	}
	if sum := write("notes.md", "text"); !seen[sum] {
		t.Error("a file that is not compiled changes the hash")
	}
}

func TestPeers_CheckFindsWhatIsMissingOrAnother(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, knativeQueue)); err != nil {
		t.Fatal(err)
	}
	err = peers{dir}.check()
	for _, want := range []string{"the peer queue: it was built from hotpod.dev/perf", "the peer fasthttpproxy: "} {
		if err == nil || !contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

func TestFindPeers_TakesTheFolderThatIsNamed(t *testing.T) {
	p, err := findPeers(t.Context(), Config{Peers: "somewhere"}, quiet())
	if err != nil || p.program(knativeQueue) != filepath.Join("somewhere", "queue") {
		t.Error(p, err)
	}
	if _, err := findPeers(t.Context(), Config{PeerSources: "nowhere"}, quiet()); err == nil {
		t.Error("sources that do not exist were found")
	}
}
