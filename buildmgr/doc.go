// Package buildmgr builds Packages: it sees to it that each one with a source has a deployment that was built from just
// that source, and reports on the way.
//
//	Package (source) ─► decide ─► job ─► builders: a builder pod of the Environment, made when there is none
//	                                       │ fetcher: source in   builder: build command   fetcher: result out
//	                                       ▼
//	                     spec.deployment, then status: buildstatus, buildlog, contentHash, condition BuildSucceeded
//
// What a build depends on (the source's digest, the build command, the Environment's builder) has a hash, which the status
// keeps as contentHash. The same hash is not built twice: a Package whose hash another Package of its namespace was built
// from gets that one's result; only a person who asks (status.buildstatus pending) has the same built again. Another hash
// is built at once, and a build of what is not wanted any more is cancelled.
//
// A deployment stays in its Package until another is built, so functions run the old code while a build runs and when it
// fails. Functions follow a Package once its build has succeeded; package controller sees to that.
//
// Builder pods are kept while builds come and deleted after an idle time; a restart finds them by their labels. Builds
// that were under way when the process ended begin anew.
package buildmgr
