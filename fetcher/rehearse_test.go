package fetcher

import (
	"os"
	"testing"
)

func TestRehearse_LeavesThePodUnspecialized(t *testing.T) {
	p := newPod(t)
	if err := p.server.rehearse(t.Context()); err != nil {
		t.Fatalf("rehearse: %v", err)
	}
	for _, dir := range []string{p.cfg.CodeDir, p.cfg.SecretDir, p.cfg.ConfigDir} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	}
	if held := p.server.whoAmI().Held; held != nil {
		t.Errorf("the pod holds %v", held)
	}
	select {
	case l := <-p.loads:
		t.Errorf("the pod's runtime was told to load %s", l.body)
	default:
	}
}

func TestRehearse_FailsWhereTheVolumeCannotBeWritten(t *testing.T) {
	p := newPod(t)
	p.server.cfg.CodeDir = "/proc/no-such-volume"
	if err := p.server.rehearse(t.Context()); err == nil {
		t.Error("rehearsed without a folder for code")
	}
}
