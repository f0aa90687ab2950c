#!/usr/bin/env bash
# Stops programs of the cluster, and starts them again in the opposite order: restart.sh kubelet containerd
set -euo pipefail
. "$(dirname "$0")/env.sh"
names=()
for name; do
  stop "$name"
  names=("$name" ${names[@]+"${names[@]}"})
done
for name in "${names[@]}"; do
  again "$name"
  # The kubelet gives up without it.
  [ "$name" != containerd ] || await 60 ctr version
done
