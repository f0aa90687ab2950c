package queueproxy_test

import "time"

// never is no deadline.
var never time.Time
