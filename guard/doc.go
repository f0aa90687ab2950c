// Package guard says which calls of the internal listener come in.
//
// That listener calls functions by name, past all routes, so it is for the platform's own triggers and for people whom the API
// server lets forward a port, who read the Secret that calls are signed with. Envoy cannot check such a signature itself. It
// asks its parent, which runs beside it in the same pod, and which holds a key that is derived from the secret for this
// purpose and good for no other. The public listener asks nobody.
package guard
