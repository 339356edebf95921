"""Gathers an error and its breadcrumbs; sends to a transport of its own."""

import logging

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from sentry_sdk.transport import Transport

_SENT = []


class Keep(Transport):
    """Sends nothing."""

    def capture_envelope(self, envelope):
        """Keep it."""
        _SENT.append(envelope)


def use() -> object:
    sentry_sdk.init("https://a@127.0.0.1/1", transport=Keep, integrations=[AwsLambdaIntegration()])
    logging.getLogger("x").warning("careful")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        sentry_sdk.capture_exception()
    sentry_sdk.flush()
    event = next(one for one in (envelope.get_event() for envelope in _SENT) if one)
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    return [
        event["exception"]["values"][0]["type"],
        frame["function"],
        frame.get("context_line"),
        event["breadcrumbs"]["values"][0]["message"],
    ]
