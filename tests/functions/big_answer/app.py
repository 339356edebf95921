"""Answers with as many bytes as the event says."""


def handler(event, context):
    # Two bytes are the quotes that JSON puts around a string.
    return "x" * (event["bytes"] - 2)
