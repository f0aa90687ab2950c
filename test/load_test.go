package test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// load is a steady stream of requests that counts failures.
type load struct {
	stop     context.CancelFunc
	done     sync.WaitGroup
	sent     atomic.Int64
	failures sync.Map // what went wrong → *atomic.Int64
}

var (
	loadsMu sync.Mutex
	loads   = map[string]*load{}
)

// loadCommand: load start NAME PATH [REGEX] begins four clients that call PATH every 20 ms each and expect 200
// and a body that matches; load stop NAME [ALLOWED] ends it and fails when more than ALLOWED requests failed.
func loadCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("load: start NAME PATH [REGEX] | stop NAME [ALLOWED]")
	}
	key := ts.Getenv("NS") + "/" + args[1]
	if args[0] == "start" {
		match := ""
		if len(args) > 3 {
			match = args[3]
		}
		l := startLoad("http://"+ts.Getenv("FISSION_ROUTER")+args[2], regexp.MustCompile(match))
		loadsMu.Lock()
		loads[key] = l
		loadsMu.Unlock()
		ts.Defer(l.end)
		return
	}
	allowed := 0
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		allowed = n
	}
	loadsMu.Lock()
	l := loads[key]
	loadsMu.Unlock()
	if l == nil {
		ts.Fatalf("load %s was not started", args[1])
	}
	l.end()
	report, failed := l.report()
	ts.Logf("load %s: %s", args[1], report)
	if failed > allowed || l.sent.Load() == 0 {
		ts.Fatalf("load %s: %d failures, %d allowed: %s", args[1], failed, allowed, report)
	}
}

func startLoad(url string, match *regexp.Regexp) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	for range 4 {
		l.done.Go(func() {
			for ctx.Err() == nil {
				l.one(url, match)
				select {
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	return l
}

func (l *load) one(url string, match *regexp.Regexp) {
	l.sent.Add(1)
	res, err := client.Get(url)
	if err != nil {
		l.fail(err.Error())
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !match.Match(body) {
		l.fail(fmt.Sprintf("%d %.200s %v", res.StatusCode, body, err))
	}
}

func (l *load) fail(what string) {
	n, _ := l.failures.LoadOrStore(what, &atomic.Int64{})
	n.(*atomic.Int64).Add(1)
}

func (l *load) end() {
	l.stop()
	l.done.Wait()
}

func (l *load) report() (text string, failed int) {
	text = fmt.Sprintf("%d sent", l.sent.Load())
	l.failures.Range(func(what, n any) bool {
		failed += int(n.(*atomic.Int64).Load())
		text += fmt.Sprintf("; %d × %v", n.(*atomic.Int64).Load(), what)
		return true
	})
	return text, failed
}
