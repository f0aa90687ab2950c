package main

import (
	"io"
	"strings"
	"testing"
)

func variables(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

func TestParse_FlagsWinOverVariables(t *testing.T) {
	o, err := parse([]string{"--depth=9"}, variables(map[string]string{
		"HOTPOD_AUTOSCALER": "a:1", "HOTPOD_DEPTH": "7",
	}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.autoscaler != "a:1" || o.depth != 9 {
		t.Errorf("options %+v", o)
	}
}

func TestParse_ListsEveryFault(t *testing.T) {
	if _, err := parse([]string{"--autoscaler=127.0.0.1:8090"}, variables(nil), io.Discard); err != nil {
		t.Errorf("good flags: %v", err)
	}
	_, err := parse([]string{"--address=nowhere", "--depth=0", "--hold=-1s", "--drain=-1s", "--replay-limit=0"}, variables(nil), io.Discard)
	if err == nil {
		t.Fatal("bad flags were taken")
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 6 {
		t.Errorf("%d faults, want 6:\n%v", n, err)
	}
}

func TestParse_NamesTheVariableThatIsWrong(t *testing.T) {
	if _, err := parse(nil, variables(map[string]string{"HOTPOD_DEPTH": "many"}), io.Discard); err == nil || !strings.Contains(err.Error(), "HOTPOD_") {
		t.Errorf("parse = %v", err)
	}
}
