// Command dashboards writes Grafana's dashboards, the alerting rules and the list of metrics, all from package dashboards. It is
// run by go generate ./dashboards.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"hotpod.dev/dashboards"
)

func main() {
	if err := write(".."); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	files, err := dashboards.Files()
	if err != nil {
		return err
	}
	for path, data := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
