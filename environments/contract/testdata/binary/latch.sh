#!/bin/sh
# A call of /release ends the oldest call of /wait; /count says how many wait.
cd "$CONTRACT_SCRATCH" || exit 1
case $PATH_INFO in
/count)
  set -- wait.*
  [ -e "$1" ] || shift
  printf %s $#
  ;;
/release)
  set -- wait.*
  rm -f "$1"
  ;;
*)
  : >"wait.$$"
  while [ -e "wait.$$" ]; do sleep 0.01; done
  echo waited
  ;;
esac
