package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseFunctionID_ReadsItsStringAndNothingElse(t *testing.T) {
	id := FunctionID{Namespace: "default", Name: "hello", UID: "3f1c"}
	if got, ok := ParseFunctionID(id.String()); !ok || got != id {
		t.Errorf("ParseFunctionID(%q) = %v, %v", id, got, ok)
	}
	for _, bad := range []string{"", "/", "//", "a/b", "a/b/", "/b/c", "a//c", "a/b/c/d"} {
		if id, ok := ParseFunctionID(bad); ok {
			t.Errorf("ParseFunctionID(%q) = %v", bad, id)
		}
	}
}

func FuzzParseFunctionID(f *testing.F) {
	f.Add("default/hello/uid")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := ParseFunctionID(s); ok && id.String() != s {
			t.Errorf("%q became %q", s, id)
		}
	})
}

func TestError_BodyCarriesWhatClientsParse(t *testing.T) {
	e := ErrCapacity("10 requests wait for hello").With("req-1", "trace-1")
	var got map[string]string
	if err := json.Unmarshal(e.Body(), &got); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{
		"component": "executor", "reason": "capacity_exceeded", "requestId": "req-1", "traceId": "trace-1",
	} {
		if got[k] != want {
			t.Errorf("%s = %q, want %q", k, got[k], want)
		}
	}
	if h := e.Header(); h.Get("Retry-After") != "1" || h.Get(HeaderComponent) != "executor" {
		t.Errorf("header = %v", h)
	}
}

func TestErrors_NameTheBoundAndTheStatus(t *testing.T) {
	for _, c := range []struct {
		err    *Error
		status int
		reason string
		says   string
	}{
		{ErrFunctionTimeout(time.Minute), 504, "function_timeout", "1m0s"},
		{ErrHoldTimeout(2*time.Minute, "the pool is empty"), 504, "specialization_timeout", "the pool is empty"},
		{ErrUnavailable(Failure{Reason: "SpecializationFailed", Message: "SyntaxError"}), 500, "specialization_failed", "SyntaxError"},
		{ErrUnavailable(Failure{Reason: "EnvironmentNotFound", Message: "no env"}), 500, "executor_unavailable", "no env"},
		{ErrFunction("dial_error", "refused"), 500, "dial_error", "refused"},
	} {
		if c.err.Status != c.status || c.err.Reason != c.reason || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%+v, want %d %s … %s", c.err, c.status, c.reason, c.says)
		}
	}
}

func TestAppendTiming_IsInMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "queue;dur=0.000", 999 * time.Nanosecond: "queue;dur=0.000", 7 * time.Microsecond: "queue;dur=0.007",
		1234567 * time.Nanosecond: "queue;dur=1.234", time.Minute: "queue;dur=60000.000", -time.Second: "queue;dur=0.000",
	} {
		if got := string(AppendTiming(nil, "queue", d)); got != want {
			t.Errorf("%s = %q, want %q", d, got, want)
		}
	}
}

func TestError_SpeaksGRPC(t *testing.T) {
	for _, c := range []struct {
		err  *Error
		code int
	}{
		{ErrFunctionTimeout(time.Second), 4},
		{ErrHoldTimeout(time.Second, "x"), 4},
		{ErrCapacity("x"), 8},
		{ErrUnavailable(Failure{Reason: "SpecializationFailed"}), 14},
		{ErrFunction("connection_refused", "x"), 14},
		{ErrFunction("function_error", "x"), 13},
		{&Error{Status: StatusClientGone}, 1},
		{&Error{Status: 404}, 12},
		{&Error{Status: 503, Component: "x"}, 14},
		{&Error{Status: 400, Component: "client"}, 13},
	} {
		if got := c.err.GRPCStatus(); got != c.code {
			t.Errorf("%v = %d, want %d", c.err, got, c.code)
		}
	}
	if got := ErrFunction("r", "50% ü\n").GRPCMessage(); got != "function: r: 50%25 %C3%BC%0A" {
		t.Errorf("message = %q", got)
	}
}
