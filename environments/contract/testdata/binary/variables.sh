#!/bin/sh
printf '%s|%s|%s' "$GREETING" "$REPLACED" "$(printenv GREETING)"
