package wire

import (
	"encoding/json"
	"net/http"
	"runtime/debug"
)

// WriteJSON answers with the status and v as JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// version is set by the linker.
var version string

// Version is the version of Hotpod that the program belongs to: what its build was told, else what Go knows of the module.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// ServeVersion answers with what the program was built from.
func ServeVersion(w http.ResponseWriter, _ *http.Request) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	out := map[string]string{"version": Version(), "go": info.GoVersion}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			out["commit"] = setting.Value
		}
	}
	WriteJSON(w, http.StatusOK, out)
}
