"""Prints an event as the official CloudEvents SDK for Python encodes it: a line of JSON for each binding and mode."""
import base64
import json
import sys
from datetime import datetime, timezone

from cloudevents.core.bindings import amqp, rabbitmq
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

audience = sys.argv[1]


def event(event_id):
    return CloudEvent(
        attributes={
            "id": event_id,
            "source": "/python",
            "type": "sdk.python",
            "time": datetime(2026, 11, 20, 9, 0, 0, 123000, tzinfo=timezone.utc),
            "datacontenttype": "application/json",
            "audience": audience,
        },
        data={"title": event_id},
    )


def show(name, content_type, headers, body):
    body = body.encode() if isinstance(body, str) else body
    shown = {"name": name, "contentType": content_type, "headers": headers}
    print(json.dumps({**shown, "body": base64.b64encode(body).decode()}))


for mode in ("binary", "structured"):
    name = "rabbitmq-" + mode
    message = getattr(rabbitmq, "to_" + mode)(event(name), JSONFormat())
    show(name, message.content_type, message.headers, message.body)
    name = "amqp-" + mode
    message = getattr(amqp, "to_" + mode)(event(name), JSONFormat())
    show(name, message.properties.get("content-type"), message.application_properties, message.application_data)
