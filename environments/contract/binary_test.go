package contract

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// binary runs a test for the runtime of executables, with a function of this text.
func binary(t *testing.T, script string, test func(t *testing.T, r *runtime, scratch string)) {
	t.Helper()
	only(t, "binary", func(t *testing.T, l Language) {
		path, scratch := filepath.Join(t.TempDir(), "deployarchive"), t.TempDir()
		write(t, path, script)
		r := start(t, l, "SCRATCH="+scratch)
		r.mustLoad(path, "")
		test(t, r, scratch)
	})
}

func TestBinary_ClientThatLeavesEndsTheProgram(t *testing.T) {
	binary(t, "#!/bin/sh\necho $$ >$SCRATCH/pid.new\nmv $SCRATCH/pid.new $SCRATCH/pid\nsleep 1000\n", func(t *testing.T, r *runtime, scratch string) {
		conn := r.dial()
		send(t, conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		r.await("started", func() bool { return exists(filepath.Join(scratch, "pid")) })
		pid, err := os.ReadFile(filepath.Join(scratch, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		r.await("ended", func() bool { return !exists("/proc/" + strings.TrimSpace(string(pid))) })
	})
}

func TestBinary_StreamsBothWaysAtOnce(t *testing.T) {
	binary(t, "#!/bin/sh\nexec sed -u s/^/said:/\n", func(t *testing.T, r *runtime, _ string) {
		conn := r.dial()
		reader := bufio.NewReader(conn)
		send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body := bufio.NewReader(res.Body)
		mustRead(t, body, "said:one\n")
		send(t, conn, "4\r\ntwo\n\r\n")
		mustRead(t, body, "said:two\n")
		send(t, conn, "0\r\n\r\n")
		if _, err := body.ReadByte(); err == nil {
			t.Fatal("no end")
		}
	})
}

func TestBinary_ProgramsAreFoundOnThePath(t *testing.T) {
	only(t, "binary", func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.folder(t, "folder"), "other") // It calls a program of its folder.
		wantText(t, r.get("/"), http.StatusOK, "hello from other")
	})
}

func TestBinary_ExecutableThatLostItsBit(t *testing.T) {
	only(t, "binary", func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(place(t, "/bin/echo", "deployarchive"), "")
		wantText(t, r.get("/"), http.StatusOK, "\n")
	})
}

func TestBinary_FailureTellsWhatTheProgramSaid(t *testing.T) {
	binary(t, "cat /gone; exit 4\n", func(t *testing.T, r *runtime, _ string) {
		a := r.get("/")
		wantText(t, a, http.StatusInternalServerError, "exit status 4")
		wantText(t, a, http.StatusInternalServerError, "/gone")
	})
}

func TestBinary_MissingInterpreterIsSaidAtLoad(t *testing.T) {
	only(t, "binary", func(t *testing.T, l Language) {
		path := filepath.Join(t.TempDir(), "deployarchive")
		write(t, path, "#!/usr/bin/no-such-language\n")
		wantText(t, start(t, l).load(path, ""), http.StatusInternalServerError, "/usr/bin/no-such-language")
	})
}

func TestBinary_HeaderCannotSetTheProxyOfPrograms(t *testing.T) {
	binary(t, "echo \"<$HTTP_PROXY>\"\n", func(t *testing.T, r *runtime, _ string) {
		mustEqual(t, "HTTP_PROXY", r.do(http.MethodGet, "/", nil, "Proxy", "evil").text(), "<>\n")
	})
}
