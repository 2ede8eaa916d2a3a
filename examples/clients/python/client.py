"""A client of Carillon: keeps its cursors, tells what it missed first and then what comes."""
import asyncio, base64, collections, json, os, pathlib, random, socketio

URL = os.environ.get("CARILLON_URL", "http://localhost:3000")
FILE = pathlib.Path(os.environ.get("CURSORS_FILE", "cursors.json"))
TOKEN = os.environ["TOKEN"]  # An app asks its login service for a fresh one before each connection.
PAYLOAD = TOKEN.split(".")[1]
USER = json.loads(base64.urlsafe_b64decode(PAYLOAD + "=" * (-len(PAYLOAD) % 4)))["sub"]

stored = json.loads(FILE.read_text()) if FILE.exists() else {}
cursors = stored.setdefault(USER, {})  # Another user's would not fit.
told = collections.OrderedDict()  # The last 1,000 events: one may come by two audiences.

# Not socketio.Client: that handles each message in a thread of its own, so that they overtake each other.
# No reconnection: it would neither come back after goaway nor present the newest cursors.
client = socketio.AsyncClient(reconnection=False)
retry_seconds = [1.0]


def move(audience, epoch, offset):
    cursors[audience] = {"epoch": epoch, "offset": offset}
    new = FILE.with_suffix(".new")  # Whenever this program dies, the old file or the new one is there, and whole.
    new.write_text(json.dumps(stored))
    new.replace(FILE)


@client.on("notification")
def on_notification(n):  # Handlers MUST NOT wait for anything before they are done, or the order is lost.
    if n["offset"] <= cursors.get(n["audience"], {"offset": 0})["offset"]:
        return
    key = (n["source"], n["id"])
    if key not in told:
        print(n["audience"], n["offset"], n["type"], n.get("data", {}).get("title", ""), flush=True)
    told[key] = True
    if len(told) > 1000:
        told.popitem(last=False)
    move(n["audience"], n["epoch"], n["offset"])


@client.on("session")
def on_session(session):
    print("connected as", session["user"], flush=True)
    retry_seconds[0] = 1.0
    for audience, head in session["audiences"].items():
        missed = session.get("missed", {}).get(audience, {**head, "recovered": True, "notifications": []})
        for n in missed["notifications"]:
            on_notification(n)
        if not missed["recovered"]:
            print(audience, "may have lost something: read the inbox", flush=True)
        move(audience, missed["epoch"], missed["head"])


@client.on("resync")
def on_resync(resync):
    for audience, head in resync["audiences"].items():
        print(audience, "began anew: read the inbox", flush=True)
        move(audience, head["epoch"], head["head"])


@client.on("goaway")
def on_goaway(goaway):
    print("sent away:", goaway["code"], flush=True)
    if not goaway["reconnect"]:
        os._exit(1)
    retry_seconds[0] = goaway["retryAfterMs"] / 1000


async def main():
    while True:
        try:
            await client.connect(URL, auth={"token": TOKEN, "cursors": cursors}, transports=["websocket"])
            await client.wait()
        except socketio.exceptions.ConnectionError as error:
            print("not connected:", error, flush=True)
        await asyncio.sleep(retry_seconds[0] + random.random())
        retry_seconds[0] = min(max(retry_seconds[0], 1.0) * 2, 60.0)


if __name__ == "__main__":
    asyncio.run(main())
