package fetcher

import (
	"errors"
	"fmt"
	"net/http"
	"syscall"

	"hotpod.dev/wire"
)

// reasonSpecializationFailed is the condition reason that every Failure of the fetcher carries.
const reasonSpecializationFailed = "SpecializationFailed"

// fault is why a specialization failed and, by its status, whose fault it is.
type fault struct {
	status  int
	message string
	err     error
}

func (f *fault) Error() string {
	if f.err == nil {
		return f.message
	}
	return f.message + ": " + f.err.Error()
}

func (f *fault) Unwrap() error { return f.err }

// theirs is a fault of the function: the same archive fails in every pod.
func theirs(format string, args ...any) *fault {
	return &fault{status: http.StatusUnprocessableEntity, message: fmt.Sprintf(format, args...)}
}

// ours is a fault of the platform: another pod, or a later time, may do better.
func ours(err error, format string, args ...any) *fault {
	return &fault{status: http.StatusBadGateway, message: fmt.Sprintf(format, args...), err: err}
}

// onDisk is a fault of writing to the pod's volume.
func onDisk(err error, doing string) *fault {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &fault{status: http.StatusInsufficientStorage, message: "the pod's volume is full: " + doing +
			"; make the archive smaller, or give the environment's pods and their node more ephemeral storage", err: err}
	}
	return ours(err, "%s", doing)
}

// answer returns the status and Failure that the pool reads.
func answer(err error) (int, *wire.Failure) {
	var f *fault
	if !errors.As(err, &f) {
		f = ours(err, "specialize the pod")
	}
	return f.status, &wire.Failure{Reason: reasonSpecializationFailed, Message: f.Error()}
}
