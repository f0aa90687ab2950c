#!/bin/sh
# Answers with the request's body as it comes.
exec cat
