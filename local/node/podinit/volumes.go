package podinit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// volumes shows the pod's volumes to the stages.
func (b *builder) volumes() error {
	if b.root.Volumes == "" {
		return nil
	}
	if err := os.MkdirAll(VolumesDir, 0o755); err != nil {
		return err
	}
	if err := bindTo(oldRoot+b.root.Volumes, VolumesDir, true); err != nil {
		return err
	}
	for name, options := range b.root.Tmpfs {
		if err := unix.Mount("tmpfs", filepath.Join(VolumesDir, name), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
			return fmt.Errorf("mount volume %s in memory: %w", name, err)
		}
	}
	return b.hostVolumes()
}

// hostVolumes binds the host's paths that are volumes, inside the volumes' directory.
func (b *builder) hostVolumes() error {
	for _, bind := range b.root.Binds {
		if !strings.HasPrefix(bind.Target, VolumesDir+"/") {
			continue
		}
		if err := b.bind(bind); err != nil {
			return err
		}
	}
	return nil
}
