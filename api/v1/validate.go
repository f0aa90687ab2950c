package v1

import (
	"errors"
	"regexp"
	"strings"
)

// FieldError is one fault of an object.
//
// +kubebuilder:object:generate=false
type FieldError struct {
	// Field is the path of the fault, for example "spec.relativeurl".
	Field string
	// Message says what is allowed.
	Message string
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

// faults collects FieldErrors.
//
// +kubebuilder:object:generate=false
type faults []error

// when adds a fault if bad.
func (f *faults) when(bad bool, field, message string) {
	if bad {
		f.add(field, message)
	}
}

func (f *faults) add(field, message string) {
	*f = append(*f, &FieldError{Field: field, Message: message})
}

func (f *faults) join() error { return errors.Join(*f...) }

const (
	labelMessage = "metadata.name is a label value of pods: it has at most 63 lower-case letters, digits and '-', and " +
		"begins and ends with a letter or digit"
	nameMessage = "a name has lower-case letters, digits and '-', begins and ends with a letter or digit, and has at " +
		"most 63 characters"
	maxName = 63
)

// label reports whether s is a DNS label.
func label(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(s, notLabel)
}

func notLabel(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }

// name adds a fault if s is neither empty nor a DNS label.
func (f *faults) name(s, field string) { f.when(s != "" && !label(s), field, nameMessage) }

// matches reports whether the whole of s matches the expression. Objects are validated a few at a time, so the
// expressions are not kept.
func matches(expression, s string) bool {
	return regexp.MustCompile(`^(?:` + expression + `)$`).MatchString(s)
}

// hasSegment reports whether the slash-separated path has the segment.
func hasSegment(path, segment string) bool {
	for s := range strings.SplitSeq(path, "/") {
		if s == segment {
			return true
		}
	}
	return false
}
