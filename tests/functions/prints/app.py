"""Writes to standard output, to standard error and to the log."""

import logging
import sys

print("printed at import")
logger = logging.getLogger("zoo")
logger.setLevel(logging.INFO)


def handler(event, context):
    print("printed", event.get("word", "plainly"))
    print("two\nlines")
    print("grüße ✓")
    print("to standard error", file=sys.stderr)
    logger.debug("logged as debug, not shown")
    logger.info("logged as info")
    logger.warning("logged as warning")
    sys.stdout.write("no line end")
    return {"request_id": context.aws_request_id}
