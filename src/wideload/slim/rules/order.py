"""All rules that drop files, in the order in which they may claim one."""

from __future__ import annotations

from wideload.slim.rules import (
    docs,
    foreign,
    headers,
    leftovers,
    scripts,
    sdk_data,
    sources,
    stale_bytecode,
    tests,
)

RULES = (
    leftovers.RULE,
    stale_bytecode.RULE,
    scripts.RULE,
    foreign.RULE,
    tests.RULE,
    docs.RULE,
    sdk_data.RULE,
    sources.RULE,
    headers.RULE,
)
