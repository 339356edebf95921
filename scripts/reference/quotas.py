"""The page of the limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference.markdown import NOTICE, table
from wideload.limits import quotas

if TYPE_CHECKING:
    from wideload.limits import Quota

_HEAD = """\
# Limits

The quotas that `wideload plan` predicts with and the embedded AWS refuses by: the same
functions. `wideload limits` shows them as they are in force on your machine. Where the source
is botocore's service model, the number is read from the botocore that is installed, and is not
repeated here. `{}` in an error stands for a number.

"""

_MODEL = re.compile(r"botocore \S+ service model")


def _row(quota: Quota) -> list[str]:
    from_model = _MODEL.match(quota.source) is not None
    return [
        f"`{quota.name}`",
        "see `wideload limits`" if from_model else f"{quota.value:,}",
        quota.unit,
        quota.what,
        # The version is that of the machine at hand.
        _MODEL.sub("botocore's service model", quota.source),
        f"`{quota.aws_error}`",
    ]


def page() -> str:
    """The whole page."""
    header = ("limit", "value", "unit", "of what", "source", "AWS answers")
    return NOTICE + _HEAD + table(header, [_row(quota) for quota in quotas()])
