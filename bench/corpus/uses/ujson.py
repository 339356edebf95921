"""Writes and reads JSON."""

import ujson


def use() -> object:
    text = ujson.dumps({"a": [1, 2.5, None, "ü"]}, indent=1)
    return [text, ujson.loads(text)]
