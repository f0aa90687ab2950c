package logger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"hotpod.dev/logstore"
)

// Follower stores the lines of the pods that it is told of. It is safe for concurrent use.
type Follower struct {
	config  Config
	metrics *metrics
	writer  *writer
	opens   *semaphore.Weighted
	polls   *semaphore.Weighted
	follows *semaphore.Weighted

	mu     sync.Mutex // guards all below
	pods   map[string]*podTails
	stored map[string][]logstore.Stream // of pods that were not seen yet
	run    context.Context              //nolint:containedctx // Run's, in which tails live; nil before and after it: no tail may start
	group  sync.WaitGroup               // the tails
	synced bool                         // every pod that there is has been put
	open   map[*tail]struct{}           // those whose last entry waits for further lines
}

// podTails are the tails of one pod.
type podTails struct {
	pod   Pod
	tails map[string]*tail
	done  sync.WaitGroup
}

// New returns a follower that reads nothing yet.
func New(c Config) *Follower {
	c.fill()
	m := newMetrics(c.Registerer)
	return &Follower{
		config: c, metrics: m, writer: newWriter(c.Lines, m, c.Log),
		opens: semaphore.NewWeighted(opening), polls: semaphore.NewWeighted(polling), follows: semaphore.NewWeighted(int64(c.MaxStreams)),
		pods: map[string]*podTails{}, open: map[*tail]struct{}{},
	}
}

// Run follows pods until ctx ends. What was read by then is stored.
func (f *Follower) Run(ctx context.Context) error {
	stored, err := f.config.Lines.Streams(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("read how far the logs are: %w", err)
	}
	written := make(chan struct{})
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() {
		defer close(written)
		f.writer.run(writing)
	}()
	f.mu.Lock()
	f.run, f.stored = ctx, stored
	for _, p := range f.pods {
		f.start(p) //nolint:contextcheck // it has just been set
	}
	f.forgetOthers() //nolint:contextcheck // it has just been set
	f.mu.Unlock()
	f.flushIdle(ctx)
	f.mu.Lock()
	f.run = nil
	f.mu.Unlock()
	f.group.Wait()
	f.writer.end()
	select {
	case <-written:
	case <-time.After(farewell / 3): // the database is away: what was not stored is read again
	}
	return nil
}

// Put tells of a pod as it is now.
func (f *Follower) Put(p Pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.pods[p.UID]
	if !ok {
		known = &podTails{tails: map[string]*tail{}}
		f.pods[p.UID] = known
	}
	known.pod = p
	if f.run != nil {
		f.start(known)
	}
}

// start makes the tails of a pod that are missing and tells the others how it is. Call it with mu held.
func (f *Follower) start(p *podTails) {
	for _, c := range p.pod.Containers {
		if t, ok := p.tails[c.Name]; ok {
			t.update(f.run, &p.pod)
			continue
		}
		if !c.Started {
			continue
		}
		t := newTail(f, &p.pod, c.Name, f.state(p.pod.UID, c.Name))
		p.tails[c.Name] = t
		p.done.Add(1)
		ctx := f.run
		f.group.Go(func() {
			defer p.done.Done()
			t.run(ctx)
		})
	}
}

// state returns how far a container's log has been stored before this process.
func (f *Follower) state(uid, container string) logstore.Stream {
	for _, s := range f.stored[uid] {
		if s.Container == container {
			return s
		}
	}
	return logstore.Stream{PodUID: uid, Container: container}
}

// Gone tells that there is no such pod any more. What is still to be read of it is read.
func (f *Follower) Gone(uid string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.pods[uid]
	if !ok {
		return
	}
	delete(f.pods, uid)
	delete(f.stored, uid)
	for _, t := range p.tails {
		t.leave()
	}
	if f.run == nil {
		return
	}
	ctx := f.run
	f.group.Go(func() {
		p.done.Wait()
		f.writer.put(ctx, item{forget: uid})
	})
}

// Synced tells that every pod that there is has been put.
func (f *Follower) Synced() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced = true
	f.forgetOthers()
}

// forgetOthers forgets how far the logs of pods are that are gone since another process read them. Call it with mu held.
func (f *Follower) forgetOthers() {
	if !f.synced || f.run == nil {
		return
	}
	ctx := f.run
	for uid := range f.stored {
		if _, ok := f.pods[uid]; !ok {
			delete(f.stored, uid)
			f.group.Go(func() { f.writer.put(ctx, item{forget: uid}) })
		}
	}
}

// flushIdle ends entries that waited long enough for further lines, until ctx ends.
func (f *Follower) flushIdle(ctx context.Context) {
	tick := time.NewTicker(f.config.Idle)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, t := range f.waiting() {
				t.flushBefore(ctx, now.Add(-f.config.Idle))
			}
		}
	}
}

func (f *Follower) waiting() []*tail {
	f.mu.Lock()
	defer f.mu.Unlock()
	tails := make([]*tail, 0, len(f.open))
	for t := range f.open {
		tails = append(tails, t)
	}
	return tails
}

// setOpen notes whether the tail's last entry waits for further lines.
func (f *Follower) setOpen(t *tail, open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if open {
		f.open[t] = struct{}{}
	} else {
		delete(f.open, t)
	}
}
