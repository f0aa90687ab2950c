#!/bin/sh
# Fails when it is called, but not at /fine.
explode() {
  echo 'explode: boom at call' >&2
  exit 3
}
[ "$PATH_INFO" = /fine ] || explode
echo fine
