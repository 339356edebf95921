"""Names and ARNs of functions and layers, in all the forms that Lambda takes them."""

from __future__ import annotations

import re

import msgspec

from wideload.local.functions import faults
from wideload.local.functions.faults import LambdaFault

LATEST = "$LATEST"
_REGION = r"(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d"
_FUNCTION = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    rf"(?:(?P<region>{_REGION}):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_.-]+)"
    r"(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?"
)
_LAYER = re.compile(
    rf"arn:aws[a-zA-Z-]*:lambda:(?P<region>{_REGION}):(?P<account>\d{{12}}):layer:"
    r"(?P<name>[a-zA-Z0-9_-]+)(?::(?P<version>\d+))?"
)


class Place(msgspec.Struct, frozen=True):
    """An account's region: where a function or a layer lives."""

    account: str
    region: str

    def function_arn(self, name: str, qualifier: str | None = None) -> str:
        """The ARN of a function, or of a version or alias of it."""
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"
        return f"{arn}:{qualifier}" if qualifier else arn

    def layer_arn(self, name: str, version: int | None = None) -> str:
        """The ARN of a layer, or of a version of it."""
        arn = f"arn:aws:lambda:{self.region}:{self.account}:layer:{name}"
        return f"{arn}:{version}" if version is not None else arn


class FunctionReference(msgspec.Struct, frozen=True):
    """A function as a caller named it."""

    name: str
    qualifier: str | None
    bare: bool
    """Whether it was the name alone."""


class LayerReference(msgspec.Struct, frozen=True):
    """A layer as a caller named it."""

    place: Place
    name: str
    version: int | None


def function_reference(text: str, place: Place, qualifier: str | None = None) -> FunctionReference:
    """Read a name, a partial ARN or an ARN, with a qualifier within or beside it.

    :raises LambdaFault: of another account or region, or two qualifiers that differ.
    """
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise faults.invalid(f"Invalid function name or ARN: {text}")
    account, region = match["account"], match["region"]
    if account is not None and account != place.account:
        # AWS says nothing here, so as not to tell what is there.
        raise LambdaFault("AccessDeniedException", None, 403, kind=None)
    if region is not None and region != place.region:
        raise faults.not_found(
            f"Functions from '{region}' are not reachable in this region ('{place.region}')"
        )
    within = match["qualifier"]
    if qualifier and within and qualifier != within:
        raise faults.invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionReference(match["name"], qualifier or within, match["name"] == text)


def layer_reference(text: str, place: Place) -> LayerReference:
    """Read a layer's name, its ARN, or the ARN of a version of it."""
    match = _LAYER.fullmatch(text)
    if match is None:
        return LayerReference(place, text, None)
    version = match["version"]
    return LayerReference(
        Place(match["account"], match["region"]),
        match["name"],
        int(version) if version else None,
    )


def is_version(qualifier: str) -> bool:
    """Whether a qualifier is the number of a published version; else it is an alias."""
    return qualifier.isdecimal()
