#!/bin/sh
# Answers with as many bytes as the query asks for.
exec head -c "${QUERY_STRING#bytes=}" /dev/zero
