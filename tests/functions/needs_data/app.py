"""Reads a file that lies beside it."""

import json
from pathlib import Path

CAPITALS = json.loads((Path(__file__).parent / "data" / "capitals.json").read_text("utf-8"))


def handler(event, context):
    return {"capital": CAPITALS[event["country"]]}
