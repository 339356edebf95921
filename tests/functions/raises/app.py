"""Raises an exception of its own, two calls deep and with a cause."""


class OutOfStock(Exception):
    pass


def handler(event, context):
    try:
        return {"price": price({}, event["item"])}
    except KeyError as missing:
        raise OutOfStock(f"no {event['item']} left") from missing


def price(stock, item):
    return stock[item]
