package platform

import (
	"errors"
	"path/filepath"
)

// Layout knows where things are in the platform's folder.
type Layout string

// DefaultDir returns the folder that is used unless another is named: $XDG_DATA_HOME/hotpod, by default
// ~/.local/share/hotpod.
func DefaultDir(getenv func(string) string) (string, error) {
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hotpod"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("neither XDG_DATA_HOME nor HOME is set: name the data folder by --dir")
	}
	return filepath.Join(home, ".local", "share", "hotpod"), nil
}

func (l Layout) join(name string) string { return filepath.Join(string(l), name) }

// Lock is the file that a running platform holds.
func (l Layout) Lock() string { return l.join("lock") }

// State is the file that tells what runs.
func (l Layout) State() string { return l.join("state.json") }

// Kubeconfig holds the administrator's credentials.
func (l Layout) Kubeconfig() string { return l.join("kubeconfig") }

// PKI is the folder of keys and certificates.
func (l Layout) PKI() string { return l.join("pki") }

// Logs is the folder of the processes' output.
func (l Layout) Logs() string { return l.join("logs") }

// Log is the file that receives what the process prints.
func (l Layout) Log(name string) string { return filepath.Join(l.Logs(), name+".log") }

// Node is the node agent's folder.
func (l Layout) Node() string { return l.join("node") }

// Parts is the folder of the files that static pods mount.
func (l Layout) Parts() string { return l.join("parts") }

// Applied lists what was applied the last time.
func (l Layout) Applied() string { return l.join("applied.json") }

// Images is the file of the images that were added by hand.
func (l Layout) Images() string { return l.join("images.json") }

// BuilderCache is where builders keep the dependencies that they have downloaded.
func (l Layout) BuilderCache() string { return l.join("builder-cache") }

// Bin is the folder of programs for people.
func (l Layout) Bin() string { return l.join("bin") }
