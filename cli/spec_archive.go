package cli

import (
	"context"
	"fmt"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/spec"
)

// fillArchives replaces references to archives of the specs by archives.
func (a *app) fillArchives(ctx context.Context, app *spec.App) error {
	made := make(map[string]v1.Archive, len(app.Archives))
	for _, described := range app.Archives {
		files, err := described.Files(app.Dir)
		if err != nil {
			return err
		}
		archive, err := a.packFiles(ctx, described.Root(app.Dir), files)
		if err != nil {
			return fmt.Errorf("%s: archive %s: %w", described.At(), described.Name, err)
		}
		made[spec.ArchiveScheme+described.Name] = archive
	}
	for _, item := range app.Of(spec.KindPackage) {
		pkg, ok := item.Object.(*v1.Package)
		if !ok {
			continue
		}
		for _, side := range []struct{ field, url string }{{"source", pkg.Spec.Source.URL}, {"deployment", pkg.Spec.Deployment.URL}} {
			archive, ok := made[side.url]
			if !ok {
				continue
			}
			if err := item.SetArchive(side.field, archive); err != nil {
				return fmt.Errorf("%s: %w", item.At(), err)
			}
		}
	}
	return nil
}
