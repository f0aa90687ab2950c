package activator

import (
	"strings"
	"testing"
	"time"

	"hotpod.dev/wire"
)

// FuzzServe_FunctionHeader sends any value as the name of the function: it is refused, or served for exactly this one.
func FuzzServe_FunctionHeader(f *testing.F) {
	for _, s := range []string{"", "/", "//", "default/hello/uid-hello", "a/b/c/d", "a//c", " a/b/c ", "a/b/\x00", "ä/ö/ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		a, c := newTest(t), newCluster()
		id, ok := wire.ParseFunctionID(value)
		x := request(c)
		x.id, x.noID = id, value
		if ok {
			a.add(id)
			p := placement(1, c.add("a", 1, lasting(0)))
			p.Function = id
			a.placed(p)
		}
		a.Serve(x)
		if ok != x.answered || ok == (x.failed != nil) {
			t.Fatalf("%q: answered %v, failed %v", value, x.answered, x.failed)
		}
		if ok && (id.String() != value || strings.Count(value, "/") != 2) {
			t.Fatalf("%q was taken for %q", value, id)
		}
	})
}

// FuzzWait checks that what a queue-proxy reads is the wait that was meant, to the millisecond and never none.
func FuzzWait(f *testing.F) {
	for _, d := range []time.Duration{1, time.Microsecond, time.Millisecond, longWait, DefaultHold} {
		f.Add(int64(d))
	}
	f.Fuzz(func(t *testing.T, n int64) {
		if n <= 0 {
			return
		}
		d := time.Duration(n)
		if got := waitOf(appendWait(nil, d)); got != max(time.Millisecond, d.Truncate(time.Millisecond)) {
			t.Fatalf("%s became %s", d, got)
		}
	})
}
