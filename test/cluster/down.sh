#!/usr/bin/env bash
# Stops what up.sh started, ends its containers and removes its data.
set -euo pipefail
. "$(dirname "$0")/env.sh"
for name in registry policies kubelet dns proxy scheduler controllers apiserver etcd; do stop $name; done
if [ -S $SOCKET ] && ctr version >/dev/null 2>&1; then
  for task in $(ctr task ls -q); do ctr task kill -s KILL "$task" >/dev/null 2>&1 || true; done
  await 10 sh -c "! '$BIN/ctr' -a $SOCKET -n k8s.io task ls | grep -q RUNNING" || true
  for task in $(ctr task ls -q); do ctr task rm -f "$task" >/dev/null 2>&1 || true; done
  for container in $(ctr container ls -q); do ctr container rm "$container" >/dev/null 2>&1 || true; done
fi
stop containerd
# Shims outlive containerd.
for file in /proc/[0-9]*/cmdline; do
  line=$({ tr '\0' ' ' <"$file"; } 2>/dev/null) || continue
  case $line in */containerd-shim-runc-v2*$SOCKET*) kill -9 "$(basename "$(dirname "$file")")" 2>/dev/null || true ;; esac
done
awk -v a="$STATE/" -v b=$RUN/ 'index($5, a) == 1 || index($5, b) == 1 {print $5}' /proc/self/mountinfo | sort -r |
  while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
if [ -e /run/netns/$NETNS ]; then
  for pod in /run/netns/cni-*; do
    if [ -e "$pod" ]; then umount -l "$pod" 2>/dev/null || true; rm -f "$pod"; fi
  done
  ip netns del $NETNS
fi
rm -rf $RUN "$STATE"
for tree in /sys/fs/cgroup/*/kubepods /sys/fs/cgroup/kubepods; do
  [ ! -d "$tree" ] || find "$tree" -depth -type d -exec rmdir {} + 2>/dev/null || true
done
