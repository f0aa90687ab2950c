package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/volume"
)

// volumeInterval is how often volumes are looked at when nobody said that
// something changed: service account tokens expire.
const volumeInterval = time.Minute

// makeVolumes makes the volumes' directories and writes what has content.
func (w *worker) makeVolumes() error {
	pod := w.object()
	if err := os.MkdirAll(w.paths.root(), 0o755); err != nil {
		return err
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if err := w.makeVolume(pod, v); err != nil {
			return fmt.Errorf("MountVolume.SetUp failed for volume %q: %w", v.Name, err)
		}
	}
	for _, c := range allContainers(pod) {
		if err := makeFile(w.paths.termination(c.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) makeVolume(pod *corev1.Pod, v *corev1.Volume) error {
	path := w.paths.volume(v.Name)
	switch {
	case v.EmptyDir != nil:
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		return os.Chmod(path, 0o777)
	case dynamic(v):
		payload, err := volume.Compute(v.VolumeSource, pod, w.host.source)
		if err != nil {
			return err
		}
		_, err = volume.Write(path, payload)
		return err
	case v.HostPath != nil && w.static:
		return w.makeHostPath(v.HostPath, path)
	case v.HostPath != nil:
		return errors.New("hostPath volumes are for the platform's own pods only")
	default:
		return errors.New("this node knows emptyDir, secret, configMap, projected and downwardAPI volumes only")
	}
}

// makeHostPath makes what the volume's type asks for and the place where it is
// mounted; without namespaces that is a link.
func (w *worker) makeHostPath(source *corev1.HostPathVolumeSource, path string) error {
	kind := corev1.HostPathUnset
	if source.Type != nil {
		kind = *source.Type
	}
	switch kind { //nolint:exhaustive // the other types make nothing
	case corev1.HostPathDirectoryOrCreate:
		if err := os.MkdirAll(source.Path, 0o755); err != nil {
			return err
		}
	case corev1.HostPathFileOrCreate:
		if err := makeFile(source.Path); err != nil {
			return err
		}
	}
	info, err := os.Stat(source.Path)
	if err != nil {
		return err
	}
	if w.host.plain {
		_ = os.Remove(path)
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(source.Path, path))
	}
	if info.IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	return makeFile(path)
}

func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	return f.Close()
}

func dynamic(v *corev1.Volume) bool { return volume.Dynamic(v.VolumeSource) }

// keepVolumes writes volumes again when what they come from changed.
func (w *worker) keepVolumes(ctx context.Context) {
	timer := time.NewTicker(volumeInterval)
	defer timer.Stop()
	for {
		select {
		case <-w.fresh:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		if err := w.rewriteVolumes(); err != nil {
			w.log.Warn("update volumes", "error", err)
		}
	}
}

func (w *worker) rewriteVolumes() error {
	pod := w.object()
	var faults []error
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; dynamic(v) {
			faults = append(faults, w.makeVolume(pod, v))
		}
	}
	return errors.Join(faults...)
}
