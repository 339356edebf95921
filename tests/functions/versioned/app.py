"""Tells its version; tests of deployment edit the number."""

VERSION = 1


def handler(event, context):
    return {"version": VERSION, "function_version": context.function_version}
