// Package seldom keeps a log readable while somebody else decides how often something happens.
package seldom

import (
	"sync"
	"time"
)

// pause is how long nothing is said about a subject that was spoken of.
const pause = 5 * time.Second

// Voice says something of each subject now and then. Its zero value is ready; it is safe for concurrent use.
type Voice struct {
	mu     sync.Mutex // guards all below
	spoke  map[string]time.Time
	silent map[string]int
}

// Speak reports whether it is time to say something of the subject, and how many times since the last it was not.
func (v *Voice) Speak(subject string) (silent int, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if at, spoken := v.spoke[subject]; spoken && time.Since(at) < pause {
		v.silent[subject]++
		return 0, false
	}
	if v.spoke == nil {
		v.spoke, v.silent = map[string]time.Time{}, map[string]int{}
	}
	silent = v.silent[subject]
	v.spoke[subject], v.silent[subject] = time.Now(), 0
	return silent, true
}
