package contract

import (
	"context"
	"fmt"
	"os"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
)

// T is what a check needs of who runs it; *testing.T has it all.
type T interface {
	Helper()
	Context() context.Context
	TempDir() string
	Cleanup(f func())
	Failed() bool
	Logf(format string, args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Outcome is how a check ended.
type Outcome string

// The outcomes of a check: Missing is the function that it needs, Excluded what the language says that it cannot.
const (
	Passed   Outcome = "passed"
	Failed   Outcome = "failed"
	Missing  Outcome = "missing"
	Excluded Outcome = "excluded"
)

// Result is a check's outcome; Detail says what was wrong or missing, or why the check does not apply.
type Result struct {
	Area     string  `json:"area"`
	Check    string  `json:"check"`
	Required bool    `json:"required"`
	Outcome  Outcome `json:"outcome"`
	Detail   string  `json:"detail,omitempty"`
}

// Run runs one check outside of go test.
func Run(ctx context.Context, c Check, l Language) Result {
	if why := l.Cannot(c); why != "" {
		return Result{Area: c.Area, Check: c.Name, Required: c.Required, Outcome: Excluded, Detail: why}
	}
	r := &recorder{ctx: ctx, outcome: Passed}
	done := make(chan struct{})
	go func() { // Fatal ends a goroutine, as in package testing.
		defer close(done)
		defer r.finish()
		c.Run(r, l)
	}()
	<-done
	return Result{Area: c.Area, Check: c.Name, Required: c.Required, Outcome: r.outcome, Detail: strings.Join(r.notes, "\n")}
}

// recorder is a T that keeps what a check says.
type recorder struct {
	ctx      context.Context //nolint:containedctx // T.Context hands it out
	mu       sync.Mutex      // guards what follows
	outcome  Outcome
	notes    []string
	cleanups []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outcome == Failed
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recorder) TempDir() string {
	dir, err := os.MkdirTemp("", "hotpod-contract-")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (r *recorder) note(outcome Outcome, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcome = outcome
	r.notes = append(r.notes, strings.TrimSpace(text))
}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (r *recorder) Error(args ...any) { r.note(Failed, fmt.Sprintln(args...)) }

func (r *recorder) Errorf(format string, args ...any) { r.note(Failed, fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	goruntime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	goruntime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) {
	r.note(Missing, fmt.Sprintf(format, args...))
	goruntime.Goexit()
}

func (r *recorder) finish() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}
