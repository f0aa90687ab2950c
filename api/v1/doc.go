// Package v1 is the fission.io/v1 API: environments, functions, packages and routes as users declare them,
// and the conditions that the platform reports on them.
//
// Types are wire-compatible with the API of that name that Fission's users know; embedded pod specs are kept as
// open objects so that the definitions stay small. Zero values mean what the field's comment says: the methods
// named like a field with a default (Function.MaxPods, …) give the effective value.
//
// The markers on the types are the validation that the API server does; Validate says the same, in the same words,
// to those who have an object but no server. Both are generated or tested together: see manifests/crds.
//
// +kubebuilder:object:generate=true
// +groupName=fission.io
package v1

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object crd paths=. output:crd:dir=../../manifests/crds
