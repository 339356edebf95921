"""Has a function, but not the one that the configuration names."""


def handle(event, context):
    return event
