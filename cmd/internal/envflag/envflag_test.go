package envflag

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

type options struct {
	address string
	wait    time.Duration
	size    int
}

func parse(env map[string]string, args ...string) (options, error) {
	var o options
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.address, "address", "127.0.0.1", "")
	fs.DurationVar(&o.wait, "long-wait", time.Second, "")
	fs.IntVar(&o.size, "size", 1, "")
	err := Parse(fs, args, func(name string) string { return env[name] })
	return o, err
}

func TestParse_TheCommandLineWinsOverTheEnvironmentOverTheDefault(t *testing.T) {
	got, err := parse(map[string]string{"HOTPOD_LONG_WAIT": "2s", "HOTPOD_SIZE": "2"}, "--size", "3")
	if want := (options{"127.0.0.1", 2 * time.Second, 3}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestParse_NamesWhatItCannotRead(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args []string
		says []string
	}{
		{map[string]string{"HOTPOD_LONG_WAIT": "soon", "HOTPOD_SIZE": "big"}, nil, []string{"HOTPOD_LONG_WAIT", "HOTPOD_SIZE"}},
		{nil, []string{"--size", "big"}, []string{"size"}},
		{nil, []string{"--unknown"}, []string{"unknown"}},
		{nil, []string{"--size", "1", "extra", "words"}, []string{"extra words"}},
	} {
		_, err := parse(c.env, c.args...)
		if err == nil {
			t.Errorf("%v %v was read", c.env, c.args)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%v %v: %v does not name %s", c.env, c.args, err, s)
			}
		}
	}
	if _, err := parse(nil, "--help"); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}
