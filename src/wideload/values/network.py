"""The network that a function has in Lambda, in numbers to simulate with."""

from __future__ import annotations

import msgspec

MIB = 1 << 20


class Network(msgspec.Struct, frozen=True):
    """How fast a function reaches S3.

    A function gets :attr:`burst_rate` for about a quarter of a second and :attr:`rate` from
    then on (arXiv 2501.07771, section 4.2); time to the first byte of a small object is
    log-normal with the median and 95th percentile measured there; one connection to S3 gives
    about 55 MB/s in published trials.
    """

    burst_rate: float = 1.2 * 1024 * MIB
    """Bytes a second."""
    burst_seconds: float = 0.25
    rate: float = 75.0 * MIB
    """Bytes a second."""
    connection_rate: float = 55e6
    """Bytes a second."""
    median: float = 0.027
    """Seconds to the first byte of an answer."""
    p95: float = 0.075
    """Seconds."""
