#!/bin/sh
# Logs a line, and answers only after /release. What a program prints is its answer, so its log is standard error.
cd "$CONTRACT_SCRATCH" || exit 1
if [ "$PATH_INFO" = /release ]; then
  : >released
  exit
fi
echo 'a line of the function' >&2
while [ ! -e released ]; do sleep 0.005; done
echo printed
