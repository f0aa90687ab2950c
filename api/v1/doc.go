// Package v1 is the fission.io/v1 API: environments, functions, packages and routes as users declare them,
// and the conditions that the platform reports on them.
//
// Types are wire-compatible with the API of that name that Fission's users know; embedded pod specs are kept as
// open objects so that the definitions stay small. Zero values mean what the field's comment says: the methods
// named like a field with a default (Function.Concurrency, …) give the effective value.
//
// +kubebuilder:object:generate=true
// +groupName=fission.io
package v1
