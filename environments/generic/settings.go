package generic

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// Settings are what the environment variables say that all runtimes understand.
type Settings struct {
	// Address is where to listen.
	Address string
	// CodePath is where version 1 of the contract puts the code.
	CodePath string
	// ShowErrors puts what went wrong in a call into its answer.
	ShowErrors bool
}

// ReadSettings reads the settings; the error names the variable that cannot be used.
func ReadSettings(getenv func(string) string) (Settings, error) {
	s := Settings{Address: getenv("HOTPOD_RUNTIME_ADDRESS"), ShowErrors: getenv("HOTPOD_SHOW_ERRORS") != "false"}
	if s.Address == "" {
		s.Address = "0.0.0.0:8888"
	}
	if _, port, err := net.SplitHostPort(s.Address); err != nil || !isPort(port) {
		return Settings{}, fmt.Errorf("HOTPOD_RUNTIME_ADDRESS must be host:port, not %q", s.Address)
	}
	volume := getenv("USERFUNCVOL")
	if volume == "" {
		volume = "/userfunc"
	}
	s.CodePath = filepath.Join(volume, "user")
	return s, nil
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}
