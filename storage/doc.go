// Package storage is the archive store: code that is too large for an object of the API, under its SHA-256.
//
//	hotpod, builders ── upload ──► spool (a folder) ── checked, complete ──► Backend: a folder, or S3
//	fetchers ◄── download, with ranges ──────────────────────────────────────┘
//
// /v1/archive is Fission's API: POST a form, GET, HEAD and DELETE by id, GET without id lists. Beside it PUT takes an
// archive as the body, and /v1/archive/uploads takes one in pieces, so that an upload goes on after a broken
// connection; there the client says size and SHA-256 first, and what is there already is not sent again.
//
// Who may do what (auth.go): pods come with URLs that are signed for one archive; people and parts sign with a shared
// secret. Where no secret exists, and RequireAuth is not set, everybody may do everything.
//
// An archive that no package names is deleted after a grace (prune.go), so that one that was just uploaded is not.
// Bounds hold for one archive, for a namespace and for all (quota.go). Nothing is held in memory but names and sizes.
package storage
