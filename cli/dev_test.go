package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/wire"
)

func TestDev_NamesAndRoutesWhatItIsGiven(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "My_Func.js", "")
	for target, want := range map[string]struct{ name, code, deploy, root string }{
		file: {"my-func", file, "", dir},
		dir:  {notInNames.ReplaceAllString(filepath.Base(dir), "-"), "", dir, dir},
	} {
		s := &devSession{flags: &functionFlags{}}
		route := &routeFlags{}
		if err := s.prepare(&cobra.Command{}, target, route); err != nil {
			t.Fatal(err)
		}
		o := s.flags
		if o.name != want.name || s.root != want.root || route.prefix != "/"+want.name || o.minScale != 1 {
			t.Errorf("%s: name %q, root %q, route %q", target, o.name, s.root, route.prefix)
		}
		if len(o.code.code) > 0 && o.code.code[0] != want.code || len(o.code.deploy) > 0 && o.code.deploy[0] != want.deploy {
			t.Errorf("%s: code %v, deploy %v", target, o.code.code, o.code.deploy)
		}
	}
	s := &devSession{flags: &functionFlags{}}
	if err := s.prepare(&cobra.Command{}, filepath.Join(dir, "none.js"), &routeFlags{}); exitCode(err) != ExitUsage {
		t.Error(err)
	}
}

func TestHolds_WaitsForTheNewAndTheEndOfTheOld(t *testing.T) {
	pod := func(state wire.PodState, generation string) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{wire.LabelState: string(state), wire.LabelFunctionGeneration: generation}}}
	}
	for name, c := range map[string]struct {
		pods []corev1.Pod
		want bool
	}{
		"none":                {nil, false},
		"only old":            {[]corev1.Pod{pod(wire.StateHot, "1")}, false},
		"both":                {[]corev1.Pod{pod(wire.StateHot, "1"), pod(wire.StateHot, "2")}, false},
		"new":                 {[]corev1.Pod{pod(wire.StateHot, "2")}, true},
		"new, the old drains": {[]corev1.Pod{pod(wire.StateDraining, "1"), pod(wire.StateHot, "2")}, true},
	} {
		if got := holds(c.pods, 2); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWatchFiles_TellsOfChangesInFoldersOldAndNew(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "lib/a.js", "1")
	write(t, dir, "node_modules/x.js", "1")
	w, err := watchFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, change := range []string{"lib/a.js", "new/b.js", "new/b.js"} {
		write(t, dir, "node_modules/x.js", "2")
		write(t, dir, "lib/.a.js.swp", "2")
		write(t, dir, change, change)
		got, err := w.next(ctx)
		if err != nil || filepath.Base(got) != filepath.Base(change) && got != filepath.Join(dir, "new") {
			t.Errorf("%s: told of %q, %v", change, got, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "lib/a.js")); err != nil {
		t.Fatal(err)
	}
	if got, err := w.next(ctx); err != nil || got != filepath.Join(dir, "lib/a.js") {
		t.Errorf("removed: %q, %v", got, err)
	}
	cancel()
	if got, err := w.next(ctx); got != "" || err != nil {
		t.Errorf("ended: %q, %v", got, err)
	}
}
