"""Writes and reads JSON."""

import datetime
import uuid

import orjson


def use() -> object:
    value = {
        "b": [1, 2.5, None, True],
        "a": "ü",
        "d": datetime.date(2026, 1, 2),
        "u": uuid.UUID(int=7),
    }
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    return [text.decode(), orjson.loads(text)["b"]]
