package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func none(string) string { return "" }

func TestParse_TakesFlagsBeforeVariablesBeforeDefaults(t *testing.T) {
	getenv := func(name string) string {
		return map[string]string{"HOTPOD_ADDRESS": "127.0.0.1", "HOTPOD_FUNCTION_NAMESPACE": "pods", "HOTPOD_XDS": "old:1"}[name]
	}
	o, err := parse([]string{"--xds=xds:18001"}, getenv, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	want := options{address: "127.0.0.1", xds: "xds:18001", functionNamespace: "pods", componentNamespace: "fission", logLevel: "info", build: o.build, certificates: o.certificates}
	if !reflect.DeepEqual(o, want) || o.builds() {
		t.Errorf("options %+v, want %+v", o, want)
	}
	if got := o.debugAddress(); got != "127.0.0.1:8080" {
		t.Errorf("debug address %s", got)
	}
}

func TestParse_ListsEveryFault(t *testing.T) {
	_, err := parse([]string{"--address=here", "--autoscaler=nowhere", "--xds=there"}, none, t.Output())
	for _, want := range []string{`--address "here"`, `--autoscaler "nowhere"`, `--xds "there"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault of %s in %v", want, err)
		}
	}
}

func TestRun_SaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"--kubeconfig=/does/not/exist": "find the API server",
		"--log-level=loud":             "log level",
		"--no-such-flag":               "no-such-flag",
	} {
		if err := run(t.Context(), []string{args}, none, t.Output()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"--help"}, none, t.Output()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

// Parts start in any order: a controller without API server waits for it, and ends when it is told to.
func TestRun_WaitsForTheServerAndEndsWithItsContext(t *testing.T) {
	file := t.TempDir() + "/config"
	text := `{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}],
contexts: [{name: c, context: {cluster: c}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := run(ctx, []string{"--kubeconfig=" + file, "--address=127.83.0.9", "--xds=127.0.0.1:1"}, none, t.Output()); err != nil {
		t.Errorf("run: %v", err)
	}
}
