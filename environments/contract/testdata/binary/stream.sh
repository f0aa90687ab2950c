#!/bin/sh
# Streams `first`, then, after a call of /release, `second`; /broken fails in between.
cd "$CONTRACT_SCRATCH" || exit 1
if [ "$PATH_INFO" = /release ]; then
  : >released
  exit
fi
rm -f released
echo first
while [ ! -e released ]; do sleep 0.005; done
if [ "$PATH_INFO" = /broken ]; then
  echo 'broken in the middle' >&2
  exit 1
fi
echo second
