"""The handler, which needs its neighbour in the package."""

from .words import reverse


def handler(event, context):
    return {"reversed": reverse(event["text"]), "module": __name__}
