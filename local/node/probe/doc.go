// Package probe watches the health of containers: what a probe asks (check.go),
// what its answers mean (tracker.go, pure), and when it asks (run.go).
//
// Unlike the kubelet, which asks once per period from the beginning, a probe
// that has not succeeded yet asks every few tens of milliseconds at first, so
// that a pod is ready as soon as its program is. Failures still count once per period.
package probe
