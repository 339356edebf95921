"""Greets whom the event names."""


def handler(event, context):
    return {"message": f"hello, {event.get('name', 'world')}"}
