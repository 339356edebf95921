"""The function's memory."""

from __future__ import annotations

_MB = 1 << 20
_USUAL = 1024


def memory_of(environ: dict[str, str]) -> int:
    """Bytes, as Lambda tells them."""
    try:
        return int(environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")) * _MB
    except ValueError:
        return _USUAL * _MB
