"""Where a package comes from that is not packed, in words."""

from __future__ import annotations


def place_of(provided_by: str) -> str:
    """``the runtime``, or a layer by its name and version instead of its whole ARN."""
    _, _, layer = provided_by.rpartition(":layer:")
    return f"layer {layer}" if layer != provided_by else f"the {provided_by}"
