"""Sleeps for as many seconds as the event says."""

import time


def handler(event, context):
    before = context.get_remaining_time_in_millis()
    time.sleep(event["seconds"])
    return {
        "slept": event["seconds"],
        "remaining_ms_before": before,
        "remaining_ms_after": context.get_remaining_time_in_millis(),
    }
