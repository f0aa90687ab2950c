// Package postgrestest starts a real PostgreSQL for a test: a cluster of its own in a temporary folder, on a Unix socket.
package postgrestest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// nobody is whom PostgreSQL runs as when the test is root, which it refuses to be.
const nobody = 65534

// Server is a running cluster.
type Server struct {
	dir       string
	databases atomic.Int64
}

// Start starts a cluster that ends with the test. The test is skipped when PostgreSQL is not installed.
func Start(tb testing.TB) *Server {
	tb.Helper()
	if testing.Short() {
		tb.Skip("starts a PostgreSQL")
	}
	bin := programs()
	if bin == "" {
		tb.Skip("needs initdb and postgres: apt-get install postgresql")
	}
	dir, err := os.MkdirTemp("", "pg") // short: the path of a socket has at most 107 bytes
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			tb.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	initdb := unprivileged(exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "test", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"))
	if out, err := initdb.CombinedOutput(); err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	s := &Server{dir: dir}
	s.run(tb, filepath.Join(bin, "postgres"), data)
	return s
}

// programs returns the folder of PostgreSQL's programs, "" if there is none.
func programs() string {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(initdb))
	}
	for _, f := range folders {
		if _, err := os.Stat(filepath.Join(f, "initdb")); err == nil {
			return f
		}
	}
	return ""
}

func unprivileged(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

func (s *Server) run(tb testing.TB, program, data string) {
	tb.Helper()
	cmd := unprivileged(exec.Command(program, "-D", data, "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40"))
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
	})
	ready := filepath.Join(s.dir, ".s.PGSQL.5432")
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			return
		}
		if time.Since(begun) > time.Minute {
			tb.Fatalf("PostgreSQL does not start:\n%s", log.String())
		}
	}
}

// Database returns the DSN of a new, empty database.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := "d" + strconv.FormatInt(s.databases.Add(1), 10)
	deadline := time.Now().Add(time.Minute)
	for { // the socket may be there a moment before it answers
		cmd := exec.Command(filepath.Join(programs(), "createdb"), "-h", s.dir, "-U", "test", name)
		out, err := cmd.CombinedOutput()
		if err == nil {
			return fmt.Sprintf("postgres://test@/%s?host=%s", name, url.QueryEscape(s.dir))
		}
		if time.Now().After(deadline) {
			tb.Fatalf("createdb: %v\n%s", err, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
