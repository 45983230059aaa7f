#!/usr/bin/env python3
"""Reads evergraph's events from an Azure Storage queue, or from a folder of JSON lines.

    python3 consume.py https://ACCOUNT.queue.core.windows.net/evergraph-events?SAS [BLOB_SAS]
    python3 consume.py FOLDER

Needs nothing but Python. With a queue, a message is deleted after its events were worked on;
what is not deleted comes back after a minute. The SAS needs process (p) rights on the queue; the
second one, read rights on the container with the data of large events.
"""

import base64
import json
import pathlib
import sys
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

VISIBLE_AGAIN_S = 60


def call(method, url):
    request = urllib.request.Request(url, method=method, headers={"x-ms-version": "2024-11-04"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def with_path(url, more, **query):
    parts = urllib.parse.urlsplit(url)
    pairs = urllib.parse.parse_qsl(parts.query) + list(query.items())
    return parts._replace(path=parts.path + more, query=urllib.parse.urlencode(pairs)).geturl()


def messages(queue):
    """Up to 32 messages, each with what deletes it."""
    answer = call("GET", with_path(queue, "/messages", numofmessages=32, visibilitytimeout=VISIBLE_AGAIN_S))
    for message in xml.fromstring(answer).iter("QueueMessage"):
        name, receipt = message.findtext("MessageId"), message.findtext("PopReceipt")
        text = base64.b64decode(message.findtext("MessageText"))
        yield json.loads(text), with_path(queue, f"/messages/{name}", popreceipt=receipt)


def whole(event, blob_sas):
    """The event with its data: that of a large one lies in a blob."""
    if "dataref" in event:
        event["data"] = json.loads(call("GET", event["dataref"] + "?" + blob_sas))
    return event


def work(event, seen):
    """Your part. A repeat has the id of the first where `certain` is true."""
    if event["certain"] and event["id"] in seen:
        return
    seen.add(event["id"])
    if event.get("resync") == "required":
        print("changes were missed, read everything again:", event.get("subscription"), flush=True)
    else:
        changed = event["data"].get("resourceData", {}).get("id")
        print(event["time"], event["type"], event.get("subscription"), event.get("subject"), changed, flush=True)


def from_queue(queue, blob_sas):
    seen = set()
    while True:
        found = False
        for events, deletes in messages(queue):
            found = True
            for event in events:
                work(whole(event, blob_sas), seen)
            call("DELETE", deletes)
        if not found:
            time.sleep(1)


def from_folder(folder):
    seen = set()
    for segment in sorted(pathlib.Path(folder).glob("*.jsonl")):
        lines = segment.read_bytes().split(b"\n")
        for line in lines[:-1]:  # what follows the last line break was torn by a crash
            work(json.loads(line), seen)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1].startswith("http"):
        from_queue(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
    else:
        from_folder(sys.argv[1])
