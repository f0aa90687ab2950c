package golang

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotpod.dev/environments/generic"
)

// loadPatience bounds how long a function may take to serve: less than the platform waits for a load.
const loadPatience = 110 * time.Second

// Runtime loads programs and ends with them.
type Runtime struct {
	socket *socket
	log    io.Writer
	// started has the child, once, when it serves.
	started chan *child
}

// Run serves until the context is done and everything in flight is finished, or until the function's process ends.
func Run(ctx context.Context, settings generic.Settings, stdout, stderr io.Writer) error {
	s, err := listen(ctx, settings.Address)
	if err != nil {
		return err
	}
	rt := &Runtime{socket: s, log: stderr, started: make(chan *child, 1)}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- generic.Serve(ctx, s, generic.New(settings, rt, stdout)) }()
	select {
	case err := <-served:
		return err
	case c := <-rt.started:
		return rt.accompany(ctx, c, stop, served)
	}
}

// accompany lives as long as the child does. SIGTERM reaches the child as the end of the context.
func (rt *Runtime) accompany(ctx context.Context, c *child, stop func(), served <-chan error) error {
	select {
	case <-c.ended:
		stop()
		return c.end()
	case <-ctx.Done():
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	<-c.ended
	return <-served
}

// Load starts the program that the load call names, compiled first if it is a source.
func (rt *Runtime) Load(ctx context.Context, l generic.Load) (http.Handler, error) {
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	program, err := rt.program(ctx, l)
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), "HOTPOD_FUNCTION="+l.Function)
	start := rt.startProgram
	if isFunction(program) {
		start = rt.startFunction
	}
	c, err := start(ctx, program, env)
	if err != nil {
		return nil, err
	}
	rt.started <- c
	return rt.leftOver(), nil
}

// startFunction starts a program that takes over the socket.
func (rt *Runtime) startFunction(ctx context.Context, program string, env []string) (*child, error) {
	file, err := rt.socket.file()
	if err != nil {
		return nil, err
	}
	ready, readyOfChild, err := os.Pipe()
	if err != nil {
		file.Close()
		return nil, err
	}
	outputs, ends := newPipes()
	if outputs != nil {
		env = append(env, "HOTPOD_OUTPUT_PIPES=true")
	}
	c, err := startChild(program, env, rt.log, outputs, append([]*os.File{file, readyOfChild}, ends...)...)
	if err != nil {
		ready.Close()
		return nil, err
	}
	if err := c.awaitReady(ctx, ready); err != nil {
		return nil, err
	}
	rt.socket.leave()
	return c, nil
}

// startProgram starts a program that listens by itself: the address is free for it.
func (rt *Runtime) startProgram(ctx context.Context, program string, env []string) (*child, error) {
	rt.socket.leave()
	_, port, err := net.SplitHostPort(rt.socket.address)
	if err != nil {
		return nil, err
	}
	c, err := startChild(program, append(env, "HOTPOD_RUNTIME_ADDRESS="+rt.socket.address, "PORT="+port), rt.log, nil)
	if err == nil {
		err = c.awaitListening(ctx, rt.socket.address)
	}
	if err != nil {
		// Generic again, so that who asks learns why.
		if again := rt.socket.open(context.WithoutCancel(ctx)); again != nil {
			fmt.Fprintln(rt.log, again)
		}
		return nil, err
	}
	return c, nil
}

// leftOver serves what still comes on connections that were accepted before the function took over.
func (rt *Runtime) leftOver() http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: rt.socket.address})
	proxy.FlushInterval = -1
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // The next one goes to the function itself.
		proxy.ServeHTTP(w, r)
	})
}

// program returns what a load call names as something that can be started.
func (rt *Runtime) program(ctx context.Context, l generic.Load) (string, error) {
	path, err := choose(l.Path)
	if err != nil {
		return "", err
	}
	if isExecutable(path) {
		return generic.Executable(path)
	}
	dir, err := os.MkdirTemp("", "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	out, err := os.MkdirTemp("", "function-")
	if err != nil {
		return "", err
	}
	said := &generic.Tail{Limit: maxTold}
	out = filepath.Join(out, "function")
	if err := (Builder{Dir: dir, Log: said}).Build(ctx, path, out); err != nil {
		return "", fmt.Errorf("%s is no program and cannot be compiled here; an environment with a builder compiles before it loads: %w\n%s",
			l.Path, err, withLines(said.String(), path))
	}
	return out, nil
}

// choose returns the program, the source file or the source folder at the path. A folder with one program is that program.
func choose(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("find the function: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", fmt.Errorf("read the function's folder: %w", err)
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".go") }) {
		return path, nil
	}
	for _, e := range entries {
		if file := filepath.Join(path, e.Name()); e.Type().IsRegular() && isExecutable(file) {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s has neither a program nor Go files", path)
}

// isExecutable says whether a file is a program for Linux.
func isExecutable(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	magic := make([]byte, 4)
	_, err = io.ReadFull(file, magic)
	return err == nil && string(magic) == "\x7fELF"
}

// isFunction says whether the program was built around functions.
func isFunction(program string) bool {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return false
	}
	for _, setting := range info.Settings {
		if setting.Key == "-tags" && slices.Contains(strings.Split(setting.Value, ","), tag) {
			return true
		}
	}
	return false
}
