package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Exit codes of the command.
const (
	ExitOK       = 0
	ExitError    = 1
	ExitUsage    = 2
	ExitNotFound = 3
	ExitTimeout  = 4
)

// Error is a failure that tells its reader what to do next.
type Error struct {
	Err error
	// Try lists commands that help, most likely first.
	Try []string
	// Code is the exit code; 0 means ExitError.
	Code int
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// usagef returns an error about the command line itself.
func usagef(format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Code: ExitUsage}
}

// hint adds commands to try to err.
func hint(err error, try ...string) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err, Try: try}
}

// exitCode returns the exit code for err.
func exitCode(err error) int {
	var e *Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &e) && e.Code != 0:
		return e.Code
	case apierrors.IsNotFound(err):
		return ExitNotFound
	case errors.Is(err, context.DeadlineExceeded), apierrors.IsTimeout(err):
		return ExitTimeout
	default:
		return ExitError
	}
}

// report writes err and what to try to w.
func report(w io.Writer, err error) {
	fmt.Fprintln(w, "Error:", diagnose(err))
	var e *Error
	if errors.As(err, &e) && len(e.Try) > 0 {
		fmt.Fprintln(w, "  try: "+strings.Join(e.Try, "\n       "))
	}
}

// diagnose says in users' words what the API server or the network meant.
func diagnose(err error) string {
	var status apierrors.APIStatus
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timed out: " + err.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the Kubernetes API server cannot be reached: " + err.Error()
	case errors.As(err, &status) && apierrors.IsInvalid(err):
		return invalid(status)
	default:
		return err.Error()
	}
}

// invalid lists what a validation refused, one field per line.
func invalid(status apierrors.APIStatus) string {
	details := status.Status().Details
	if details == nil || len(details.Causes) == 0 {
		return status.Status().Message
	}
	lines := []string{fmt.Sprintf("%s %q is not valid:", details.Kind, details.Name)}
	for _, c := range details.Causes {
		lines = append(lines, fmt.Sprintf("  %s: %s", c.Field, c.Message))
	}
	return strings.Join(lines, "\n")
}
