package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"hotpod.dev/local/pki"
	"hotpod.dev/local/process"
)

// Phase is where a platform is in its life.
type Phase string

// The phases, in order. A platform that was killed stays in the phase that it was in.
const (
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Stopping Phase = "stopping"
	Stopped  Phase = "stopped"
)

// State is what a platform writes down about itself.
type State struct {
	Phase      Phase            `json:"phase"`
	Since      time.Time        `json:"since"`
	Supervisor process.Identity `json:"supervisor"`
	// Network is the second number of 127.N.0.0/16; 0 before the first start.
	Network    int `json:"network,omitempty"`
	RouterPort int `json:"routerPort,omitempty"`
	// MoreRouterPorts are those of the routers after the first.
	MoreRouterPorts []int  `json:"moreRouterPorts,omitempty"`
	APIServerPort   int    `json:"apiserverPort,omitempty"`
	ProgramsDir     string `json:"programsDir,omitempty"` // the folder with hotpod and its parts
	Kube            string `json:"kube,omitempty"`        // hotpod-kube in use, with its version and origin
	Envoy           string `json:"envoy,omitempty"`       // Envoy in use, likewise
	// Problem is what a person has to look at, empty when there is nothing.
	Problem   string           `json:"problem,omitempty"`
	Processes []process.Status `json:"processes,omitempty"`
}

// ReadState returns what the platform in the folder wrote last; the zero State when there never was one.
func ReadState(l Layout) (State, error) {
	var s State
	text, err := os.ReadFile(l.State())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", l.State(), err)
	}
	return s, nil
}

// Running reports whether the platform that wrote the state still runs.
func (s State) Running() bool { return s.Phase != Stopped && s.Supervisor.Alive() }

// stateFile keeps the state in the file up to date. Its methods are safe for concurrent use.
type stateFile struct {
	path string

	mu    sync.Mutex // guards state and the order of writes
	state State
}

// update changes the state and writes it. When the disk is full the file stays as it was.
func (f *stateFile) update(edit func(*State)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(&f.state)
	text, err := json.MarshalIndent(f.state, "", "  ")
	if err != nil {
		return err
	}
	return pki.WriteFile(f.path, append(text, '\n'), 0o600)
}

func (f *stateFile) get() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.state
	s.Processes = slices.Clone(s.Processes)
	return s
}

// enter records a new phase.
func (f *stateFile) enter(p Phase) error {
	return f.update(func(s *State) { s.Phase, s.Since = p, time.Now() })
}

// record keeps the status of one process.
func (s *State) record(status process.Status) {
	for i := range s.Processes {
		if s.Processes[i].Name == status.Name {
			s.Processes[i] = status
			return
		}
	}
	s.Processes = append(s.Processes, status)
}
