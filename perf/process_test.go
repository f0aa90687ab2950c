package perf

import (
	"net"
	"os"
	"testing"
	"time"
)

func TestParseProcessorTime_NamesMayHoldAnything(t *testing.T) {
	got, err := parseProcessorTime([]byte("12 (a ) (b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0"))
	if err != nil || got != 2*time.Second {
		t.Error(got, err)
	}
	for _, raw := range []string{"", "12 (a) S 1", "12 (a) S 1 2 3 4 5 6 7 8 9 10 x y 0"} {
		if _, err := parseProcessorTime([]byte(raw)); err == nil {
			t.Errorf("accepted %q", raw)
		}
	}
}

func TestProcessorTimeAndMemory_OfThisProcess(t *testing.T) {
	if _, err := processorTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	m, err := memoryOf(os.Getpid())
	if err != nil || m.resident < 1 || m.anonymous <= 0 || m.anonymous > m.resident || m.proportional <= 0 || m.proportional > m.resident {
		t.Errorf("%+v %v", m, err)
	}
	if _, err := memoryOf(-1); err == nil {
		t.Error("a process that cannot be has memory")
	}
}

func TestParseTransfers_CountsReadsAndWrites(t *testing.T) {
	if n, ok := parseTransfers([]byte("rchar: 1\nwchar: 2\nsyscr: 30\nsyscw: 4\nread_bytes: 5\n")); !ok || n != 34 {
		t.Error(n, ok)
	}
	if _, ok := parseTransfers([]byte("syscr: 30\n")); ok {
		t.Error("writes are missing")
	}
	if n, ok := transfers(os.Getpid()); !ok || n <= 0 {
		t.Error(n, ok)
	}
}

func TestField_ReadsKibibytes(t *testing.T) {
	text := []byte("Name:\tx\nVmRSS:\t  2048 kB\nRssAnon:\t  512 kB\nVmRSSOther: 1 kB\n\n")
	for name, want := range map[string]float64{"VmRSS:": 2, "RssAnon:": 0.5, "Pss:": 0} {
		if got := field(text, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestListenerOf_FindsTheProcessByItsAddress(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if pid, ok := listenerOf(address); !ok || pid != os.Getpid() {
		t.Errorf("%d %v, want %d", pid, ok, os.Getpid())
	}
	l.Close()
	if pid, ok := listenerOf(address); ok {
		t.Errorf("found %d on a closed socket", pid)
	}
	if _, ok := listenerOf("nonsense"); ok {
		t.Error("found somebody at nonsense")
	}
}

func TestListeningSockets(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0
   1: 0200007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 102 1 0
   2: 0100007F:22B8 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 103 1 0
   3: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 104 1 0
   4: broken`
	for address, want := range map[string]string{"127.0.0.1:8888": "101", "127.0.0.2:8888": "102", "127.0.0.9:80": "104", "127.0.0.1:81": ""} {
		got := listeningSockets([]byte(table), address)
		if want == "" && len(got) == 0 || len(got) == 1 && got[want] {
			continue
		}
		t.Errorf("%s: %v, want %s", address, got, want)
	}
}
