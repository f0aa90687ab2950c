#!/usr/bin/env bash
# Kills the program of a container at once, as a crash does: kill.sh NAMESPACE LABELS CONTAINER takes the first pod that runs.
set -euo pipefail
. "$(dirname "$0")/env.sh"
id=$(kubectl get pods -n "$1" -l "$2" --field-selector=status.phase=Running \
  -o "jsonpath={.items[0].status.containerStatuses[?(@.name==\"$3\")].containerID}")
[ -n "$id" ] || { echo "no container $3 runs in a pod with $2 in $1" >&2; exit 1; }
ctr task kill -s KILL "${id#containerd://}"
