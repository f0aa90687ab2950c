package event

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Headers of a delivery, beside those of the trigger.
const (
	// HeaderID is the same for each attempt and for a repetition after a restart.
	HeaderID = "Idempotency-Key"
	// HeaderRequestID is how the platform names a request in logs and traces.
	HeaderRequestID = "X-Fission-Request-ID"
)

// Call is one call of a function.
type Call struct {
	// ID names the call, for the function too.
	ID string
	// What is called, for people.
	What string
	// Key of calls that are made one after another, in order; calls without a key wait for none.
	Key string
	// Namespace and Function name what is called.
	Namespace, Function string
	// Method and Subpath of the request; Subpath may hold a query.
	Method, Subpath string
	Header          http.Header
	Body            []byte
	// Due is when the call should have been made.
	Due time.Time
	// Position is reached when this call and all before it are done; empty means that it is none.
	Position string
}

// ID makes a short name of what tells events apart.
func ID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// path is the call's on the internal listener.
func (c *Call) path() string {
	sub := c.Subpath
	if sub != "" && !strings.HasPrefix(sub, "/") && !strings.HasPrefix(sub, "?") {
		sub = "/" + sub
	}
	return fmt.Sprintf("/fission-function/%s/%s%s", c.Namespace, c.Function, sub)
}

// size is what the call counts in a queue's bytes.
func (c *Call) size() int { return len(c.Body) + 512 }
