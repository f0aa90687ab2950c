// Package logs keeps what containers write, as lines of the form that Kubernetes'
// container runtimes use:
//
//	2026-01-02T03:04:05.678901234Z stdout F the line
//	2026-01-02T03:04:05.678901234Z stderr P a piece of a very long li
//
// One File holds one run of a container. It is bounded: when it reaches its
// limit it is moved to <path>.1, whose predecessor is gone.
package logs
