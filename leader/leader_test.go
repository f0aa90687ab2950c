package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("nobody answers")

// store is the API server's part, with replicas that it does not answer and answers that take time.
type store struct {
	mu      sync.Mutex
	record  Record
	version int
	away    map[string]bool // by identity; "" means all
	slow    time.Duration
}

func (s *store) lock(identity string) Lock { return replicaLock{s, identity} }

func (s *store) setAway(identity string, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away[identity] = away
}

type replicaLock struct {
	*store
	identity string
}

func (l replicaLock) reach(ctx context.Context) error {
	l.mu.Lock()
	away, slow := l.away[""] || l.away[l.identity], l.slow
	l.mu.Unlock()
	if away {
		<-ctx.Done() // as a connection into nowhere does
		return errAway
	}
	if slow > 0 && !pause(ctx, rand.N(slow)) {
		return ctx.Err()
	}
	return nil
}

func (l replicaLock) Read(ctx context.Context) (Record, error) {
	if err := l.reach(ctx); err != nil {
		return Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record, nil
}

func (l replicaLock) Write(ctx context.Context, r Record) (Record, error) {
	if err := l.reach(ctx); err != nil {
		return Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Version != l.record.Version {
		return Record{}, ErrConflict
	}
	l.version++
	l.record = r
	l.record.Version = strconv.Itoa(l.version)
	return l.record, nil
}

// replica is a process that takes part.
type replica struct {
	*Elector
	stop    context.CancelFunc
	mu      sync.Mutex
	leads   bool
	ended   chan error
	leading chan struct{} // closed when it leads
}

func newStore() *store { return &store{away: map[string]bool{}} }

func (s *store) start(t *testing.T, identity string) *replica {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &replica{stop: cancel, ended: make(chan error, 1), leading: make(chan struct{})}
	r.Elector = New(Config{Lock: s.lock(identity), Identity: identity, Log: slog.New(slog.DiscardHandler)})
	go func() {
		r.ended <- r.Run(ctx, func(ctx context.Context) error {
			close(r.leading)
			r.setLeads(true)
			<-ctx.Done()
			r.setLeads(false)
			return nil
		})
	}()
	return r
}

// end stops the replica and returns when its Run has.
func (r *replica) end() error {
	r.stop()
	return <-r.ended
}

func (r *replica) setLeads(v bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leads = v
}

func (r *replica) isLeading() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leads
}

func TestElector_OneOfManyLeadsAndHandsOverWhenItStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		all := []*replica{s.start(t, "a"), s.start(t, "b"), s.start(t, "c")}
		for range all {
			time.Sleep(time.Second)
			var leader *replica
			for _, r := range all {
				if r.isLeading() {
					if leader != nil {
						t.Fatal("two lead")
					}
					leader = r
				}
			}
			if leader == nil || !leader.Sure() {
				t.Fatal("within a second of the last one's stop nobody leads")
			}
			if err := leader.end(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestElector_TakesOverWhatAProcessLeftBehind(t *testing.T) {
	const term = 3 * time.Second
	for name, c := range map[string]struct {
		left            string // who held the lease when it was killed
		soonest, latest time.Duration
	}{
		"another's after its term, not before": {"dead", term, term + 500*time.Millisecond},
		"its own at once":                      {"a", 0, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				if _, err := s.lock(c.left).Write(t.Context(), Record{Holder: c.left, Term: term}); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				a := s.start(t, "a")
				<-a.leading
				if took := time.Since(began); took < c.soonest || took > c.latest {
					t.Errorf("leads after %s", took)
				}
				_ = a.end()
			})
		})
	}
}

func TestElector_LeaderGoesOnInDoubtWhileTheServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		a := s.start(t, "a")
		<-a.leading
		b := s.start(t, "b")
		s.setAway("", true)
		time.Sleep(time.Minute)
		if !a.isLeading() || b.isLeading() {
			t.Errorf("a leads: %v, b leads: %v", a.isLeading(), b.isLeading())
		}
		if a.Sure() {
			t.Error("a is sure")
		}
		s.setAway("", false)
		time.Sleep(1500 * time.Millisecond)
		if !a.Sure() || b.isLeading() {
			t.Errorf("back: a is sure: %v, b leads: %v", a.Sure(), b.isLeading())
		}
		_, _ = a.end(), b.end()
	})
}

func TestElector_LeaderThatIsCutOffIsReplacedAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		a := s.start(t, "a")
		<-a.leading
		b := s.start(t, "b")
		time.Sleep(time.Second)
		s.setAway("a", true)
		<-b.leading
		if a.Sure() {
			t.Error("a is sure although b leads")
		}
		s.setAway("a", false)
		if err := <-a.ended; !errors.Is(err, ErrLost) {
			t.Errorf("a ended with %v", err)
		}
		if a.isLeading() {
			t.Error("a still leads")
		}
		time.Sleep(5 * time.Second)
		if !b.Sure() {
			t.Error("b lost the lease to the one that ended")
		}
		_ = b.end()
	})
}

func TestElector_ForeignWritesAndDeletionAreNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		a := s.start(t, "a")
		<-a.leading
		for _, change := range []func(){
			func() { s.record.Version = "annotated" },
			func() { s.record = Record{} },
		} {
			s.mu.Lock()
			change()
			s.mu.Unlock()
			time.Sleep(2 * time.Second)
			if !a.Sure() || s.record.Holder != "a" {
				t.Errorf("sure: %v, record %+v", a.Sure(), s.record)
			}
		}
		_ = a.end()
		if s.record.Holder != "" {
			t.Errorf("left behind: %+v", s.record)
		}
	})
}

func TestElector_WorkThatEndsGivesTheLeaseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, fault := newStore(), errors.New("fault")
		e := New(Config{Lock: s.lock("a"), Identity: "a", Log: slog.New(slog.DiscardHandler)})
		if err := e.Run(t.Context(), func(context.Context) error { return fault }); !errors.Is(err, fault) {
			t.Errorf("Run = %v", err)
		}
		if s.record.Holder != "" || e.Sure() {
			t.Errorf("left behind: %+v", s.record)
		}
	})
}

func TestElector_NeverTwoAreSure(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			s := newStore()
			s.slow = 600 * time.Millisecond
			replicas := map[string]*replica{}
			for i := range 3 {
				id := fmt.Sprint(i)
				replicas[id] = s.start(t, id)
			}
			for range 2000 {
				time.Sleep(50 * time.Millisecond)
				sure := 0
				for id, r := range replicas {
					if r.Sure() {
						sure++
					}
					select {
					case <-r.ended: // it lost the lease: a new process follows
						replicas[id] = s.start(t, id)
					default:
					}
				}
				if sure > 1 {
					t.Fatalf("seed %d: %d are sure", seed, sure)
				}
				if random.IntN(40) == 0 {
					s.setAway(fmt.Sprint(random.IntN(3)), random.IntN(2) == 0)
				}
			}
			s.setAway("", true)
			for _, r := range replicas {
				_ = r.end()
			}
		})
	}
}
