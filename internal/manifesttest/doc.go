// Package manifesttest renders the manifests and applies them to a test's API server, as kubectl apply --server-side -k
// would.
package manifesttest
