#!/bin/sh
# A producer with nothing but curl: sends the CloudEvent on standard input, and ends with 0 once RabbitMQ has confirmed it.
#
#   TOKEN=… ./send.sh < event.json
set -eu
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# In a file, because everybody on the machine sees arguments.
printf 'Authorization: Bearer %s\n' "$TOKEN" >"$folder/headers"

# 429, 503 and no answer at all are tried again, after as many seconds as Retry-After says. The same event again is
# delivered once, so that this is always right.
status=$(curl --silent --show-error --retry 10 --retry-connrefused \
  --header "@$folder/headers" --header 'Content-Type: application/cloudevents+json' --data-binary @- \
  --output "$folder/answer" --write-out '%{http_code}' "${CARILLON_URL:-http://localhost:3000}/v1/events")

# 202, or a problem that says what is wrong and where.
echo "$status $(cat "$folder/answer")"
[ "$status" = 202 ]
