"""Writes as many megabytes into /tmp as the event says, and takes them away again."""

import os

MEGABYTE = b"\xa5" * 1_048_576
PATH = "/tmp/filled"


def handler(event, context):
    file = open(PATH, "wb", buffering=0)
    try:
        with file:
            for _ in range(event["megabytes"]):
                file.write(MEGABYTE)
        return {"bytes": os.path.getsize(PATH)}
    finally:
        os.unlink(PATH)
