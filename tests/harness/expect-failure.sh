#!/bin/sh
# expect-failure.sh MESSAGE COMMAND...: passes when the command fails and prints the message on stdout or stderr.
message=$1
shift
output=$("$@" 2>&1)
status=$?
[ "$status" -ne 0 ] || { printf '%s\n' "$output"; echo "expected a failure, got status 0" >&2; exit 1; }
case "$output" in
*"$message"*) exit 0 ;;
esac
printf '%s\n' "$output"
echo "expected the message: $message" >&2
exit 1
