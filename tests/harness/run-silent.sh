#!/bin/sh
# run-silent.sh COMMAND...: a test passes when it succeeds and prints nothing on stdout. Status 77 is a skip and may say why.
output=$("$@")
status=$?
if [ "$status" -eq 77 ]; then printf '%s\n' "$output"; exit 77; fi
[ -z "$output" ] || { printf '%s\n' "$output"; echo "test printed output" >&2; exit 1; }
exit "$status"
