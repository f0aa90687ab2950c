package cli

import (
	"context"
	"path/filepath"

	"hotpod.dev/spec"
)

// watchSpecs applies the specs, and again whenever they or the files of their archives change, until ctx ends. A fault in
// a file is told and waits for its correction.
func (a *app) watchSpecs(ctx context.Context, f *specFlags) error {
	for {
		watch, err := watchFiles(a.specRoots(f)...)
		if err != nil {
			return err
		}
		if err := a.applySpecs(ctx, f); err != nil && ctx.Err() == nil {
			report(a.Err, err)
		}
		a.progress("watching for changes; Ctrl-C ends")
		changed, err := watch.next(ctx)
		_ = watch.Close()
		if err != nil || changed == "" {
			return err
		}
		a.progress("%s changed", changed)
	}
}

// specRoots returns the folders whose files matter: the specs' and the archives'.
func (a *app) specRoots(f *specFlags) []string {
	roots := []string{f.dir}
	app, err := spec.Read(f.dir, spec.Options{Namespace: a.namespace, Ignore: f.ignore})
	if err != nil {
		return roots // told when it is applied
	}
	for _, archive := range app.Archives {
		roots = append(roots, filepath.Clean(archive.Root(f.dir)))
	}
	return roots
}
