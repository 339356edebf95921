"""Adds Roman numerals, with a package that is not in the runtime."""

import roman


def handler(event, context):
    return {"sum": roman.toRoman(sum(roman.fromRoman(term) for term in event["terms"]))}
