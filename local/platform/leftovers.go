package platform

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"hotpod.dev/local/node"
)

// endLeftovers ends what a killed platform left running: pods and their mounts, then the control plane in reverse
// order of its start. The caller holds the folder's lock, so nobody else's processes are in the state.
func endLeftovers(l Layout, last State, log *slog.Logger) error {
	errs := []error{node.Cleanup(l.Node())}
	for _, status := range slices.Backward(last.Processes) {
		if !status.Identity.Alive() {
			continue
		}
		log.Warn("ending a process that an earlier platform left", "process", status.Name, "pid", status.Identity.PID)
		errs = append(errs, status.Identity.End(3*time.Second))
	}
	return errors.Join(errs...)
}
