"""Does not compile: line 4 misses a colon."""


def handler(event, context)
    return event
