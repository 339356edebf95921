"""Lists in pages, as ``Marker`` and ``MaxItems`` ask for them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from wideload.local.functions import faults

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE = 50
"""Items of a page at most: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html"""


def page(
    member: str,
    items: list[dict[str, Any]],
    request: dict[str, Any],
    key: Callable[[dict[str, Any]], str],
) -> dict[str, Any]:
    """The page that a request asks for, under the name of the answer's member.

    :param key: tells one item from the others; the marker is that of the page's last item.
    :raises LambdaFault: the marker is none of ours.
    """
    start = 0
    marker = request.get("Marker")
    if marker:
        keys = [key(item) for item in items]
        try:
            start = keys.index(base64.urlsafe_b64decode(marker).decode()) + 1
        except (ValueError, binascii.Error):
            raise faults.invalid(f"Invalid marker: {marker}") from None
    end = start + min(request.get("MaxItems", _PAGE), _PAGE)
    answer: dict[str, Any] = {member: items[start:end]}
    if end < len(items):
        answer["NextMarker"] = base64.urlsafe_b64encode(key(items[end - 1]).encode()).decode()
    return answer
