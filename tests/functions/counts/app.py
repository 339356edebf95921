"""Counts the invocations of its execution environment, in memory and in /tmp."""

import os
from pathlib import Path

FILE = Path("/tmp/count")
count = 0


def handler(event, context):
    global count
    count += 1
    in_tmp = int(FILE.read_text()) + 1 if FILE.exists() else 1
    FILE.write_text(str(in_tmp))
    return {"count": count, "in_tmp": in_tmp, "process": os.getpid()}
