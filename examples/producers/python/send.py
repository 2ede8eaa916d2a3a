"""A producer in Python, with pika: each line of standard input becomes an event that RabbitMQ has confirmed.

    echo 'Your order is on its way' | python send.py user:42
"""
import datetime, json, os, sys, time, uuid, pika

URL = os.environ.get("AMQP_URL", "amqp://localhost")
PROPERTIES = pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2)
channel = None


def open_channel():
    parameters = pika.URLParameters(URL)
    parameters.client_properties = {"connection_name": "example producer"}
    channel = pika.BlockingConnection(parameters).channel()
    channel.confirm_delivery()
    return channel


def publish(event):
    """Returns once RabbitMQ has it for good. The same event again is delivered once, so that sending it again is right.

    A BlockingConnection answers no heartbeats while the program does something else, and RabbitMQ then closes it: the
    next event finds that out and opens another one.
    """
    global channel
    while True:
        try:
            channel = channel or open_channel()
            channel.basic_publish("carillon.events", event["type"], json.dumps(event), PROPERTIES, mandatory=True)
            return
        except (pika.exceptions.AMQPError, OSError) as error:
            print("RabbitMQ:", repr(error), file=sys.stderr, flush=True)
            channel = None
            time.sleep(1)


for line in sys.stdin:
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/examples/python",
        "type": "example.sent",
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "audience": sys.argv[1],
        "data": {"title": line.rstrip("\n")},
    }
    publish(event)
    print("confirmed", event["id"], flush=True)
if channel is not None:
    channel.connection.close()
