#!/bin/sh
# Starts the .NET runtime: by .NET when it is here and the runtime was built for it, else by Mono, which compiles it
# first unless `make build` or the image has done so.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -f "$here/bin/net/hotpod-dotnet.dll" ] && command -v dotnet >/dev/null; then
	exec dotnet "$here/bin/net/hotpod-dotnet.dll"
fi
program=$here/bin/hotpod-dotnet.exe
if [ ! -f "$program" ] || [ -n "$(find "$here/src" -name '*.cs' -newer "$program")" ]; then
	folder=$(mktemp -d)
	program=$folder/hotpod-dotnet.exe
	"$here/compile" "$program"
fi
# Mono knows no handler for SIGTERM. Blocked from the start, in every thread, it waits to be asked for.
if env --block-signal=TERM true 2>/dev/null; then
	exec env --block-signal=TERM --block-signal=INT mono --debug "$program"
fi
exec mono --debug "$program"
