// Package builder is the server in a builder pod: it runs an environment's build command on a source that the fetcher
// beside it has put on their volume.
//
//	build manager ── POST / {srcPkgFilename, command} ──► Server ── the command, with the source as its folder
//	                 ◄─ its output, line by line, then the name of what it made
//
// It speaks Fission's builder API, so that both sides can be Fission's: POST / answers {artifactFilename, buildLogs} with
// 200, or 500 when the command failed; DELETE /clean?name= removes a build's files; GET /version and /healthz. A caller
// that accepts application/x-ndjson gets an Event for each line while the command runs, and a last one with the result;
// the status is 200 then, whatever becomes of the command.
//
// The command is no shell's: it is split at white space, and characters that a shell would read are refused. It finds
// SRC_PKG and DEPLOY_PKG in its environment and runs in a process group of its own, which is ended when the command
// ends, when its time is up, and when the caller goes away. What it prints is kept up to a bound: the beginning and
// the end.
//
// Builds in one pod are builds of one environment, whose owner trusts them. They share the pod's caches of dependencies.
package builder
