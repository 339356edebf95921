"""The rule `sdk-data`: descriptions of AWS services of which no code makes a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS = {"botocore": "botocore/data/", "boto3": "boto3/data/"}
_ALWAYS = frozenset({"s3", "signin", "sso", "sso-oidc", "sts"})
"""Services that botocore itself makes clients of, to find credentials and regions."""


def _find(subject: Subject) -> Iterator[Drop]:
    root = _FOLDERS.get(subject.name)
    if root is None or subject.asked.services_unknown:
        return
    # Files of the folder itself are endpoints, partitions, retries and defaults: for all.
    inside = {path: path.removeprefix(root).split("/") for path in subject.paths}
    inside = {path: parts for path, parts in inside.items() if path.startswith(root)}
    known = {parts[0] for parts in inside.values() if len(parts) > 1}
    if subject.name == "botocore" and not subject.asked.services <= known:
        return  # an alias: which folder it means is for botocore to say
    for path, parts in inside.items():
        if len(parts) > 1 and parts[0] not in subject.asked.services | _ALWAYS:
            yield Drop(path, f"no code makes a client of {parts[0]}")


RULE = Rule("sdk-data/1", Risk.CHECKED, "AWS services that are not called", _find)
