#!/bin/sh
# Answers with the request's body, byte for byte.
echo 'Content-Type: application/octet-stream' >&3
exec cat
