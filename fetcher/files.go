package fetcher

import (
	"os"
	"path"

	"hotpod.dev/wire"
)

// writeFiles writes Secrets below secrets and ConfigMaps below configs. Two files of one path are refused: which
// of them wins must not be a matter of order.
func writeFiles(secrets, configs string, files []wire.File) error {
	for _, f := range files {
		dir := configs
		if f.Secret {
			dir = secrets
		}
		if err := writeFile(dir, f); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(dir string, f wire.File) error {
	if name, err := cleanName(f.Path); err != nil || name != f.Path || name == "." {
		return theirs("a Secret or ConfigMap cannot be mounted at %q: the path must be clean and relative", f.Path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return onDisk(err, "open the volume for Secrets and ConfigMaps")
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(path.Dir(f.Path), 0o750); err != nil {
		return fileRefused(err, f.Path)
	}
	file, err := root.OpenFile(f.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return fileRefused(err, f.Path)
	}
	_, err = file.Write(f.Data)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return onDisk(err, "write a Secret or ConfigMap")
	}
	return nil
}

func fileRefused(err error, name string) error {
	if collides(err) {
		return theirs("two Secrets or ConfigMaps are mounted at %q: give one of them another mountPath", name)
	}
	return onDisk(err, "write a Secret or ConfigMap")
}
