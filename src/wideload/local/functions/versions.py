"""Publishing versions and listing them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.local.functions import faults, lookup, paging, rendering, snapshots
from wideload.local.functions.service import fresh_id

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument, Version
    from wideload.local.functions.service import Call, Service


def publish(service: Service, call: Call) -> dict[str, Any]:
    """PublishVersion: of an unchanged function it answers the version that is there."""
    request = call.parameters
    if "PublishTo" in request:
        raise faults.not_embedded("PublishTo")
    with service.store.lock:
        function = lookup.unqualified(service, call, latest_too=True)
        now = service.clock()
        lookup.check_idle(function, now)
        latest = function.latest
        lookup.check_revision(latest.revision_at(now), request.get("RevisionId"))
        present = rendering.code_sha256(latest.code)
        wanted = request.get("CodeSha256")
        if wanted and wanted != present:
            raise faults.invalid(
                f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST "
                f"({present}). Please try again with the CodeSHA256 in $LATEST."
            )
        function, version = published(service, function, request.get("Description"))
        service.store.functions.put(function)
    snapshots.take(service, function, version)
    return rendering.configuration(
        version, name=function.name, arn=function.arn(version.number), now=service.clock()
    )


def published(
    service: Service, function: FunctionDocument, description: str | None = None
) -> tuple[FunctionDocument, Version]:
    """The function with a version of its ``$LATEST``, and that version.

    Where nothing changed since the last one was published, it is that one.
    """
    latest = function.latest
    state = _state(latest)
    if function.published_state == state and function.published_as in function.versions:
        return function, function.versions[function.published_as]
    configuration = latest.configuration
    if description:
        configuration = msgspec.structs.replace(configuration, description=description)
    number = str(function.next_version)
    revision = fresh_id()
    starts = configuration.snap_start != "None"
    version = msgspec.structs.replace(
        latest,
        number=number,
        configuration=configuration,
        modified=service.stamp(),
        incarnation=fresh_id(),
        change="create" if starts else latest.change,
        # With SnapStart the snapshot is still to be taken, which tells when it is.
        settles=service.clock() + snapshots.LONGEST if starts else latest.settles,
        revision=revision,
        settled_revision=fresh_id() if starts or not latest.settled(service.clock()) else revision,
    )
    function = msgspec.structs.replace(
        function,
        # AWS counts the publication as a revision of $LATEST.
        latest=msgspec.structs.replace(latest, settled_revision=fresh_id()),
        versions={**function.versions, number: version},
        next_version=function.next_version + 1,
        published_as=number,
        published_state=state,
    )
    return function, version


def list_by_function(service: Service, call: Call) -> dict[str, Any]:
    """ListVersionsByFunction."""
    function, _ = lookup.function(service, call)
    now = service.clock()
    listed = [
        rendering.configuration(
            version,
            name=function.name,
            arn=function.arn(version.number),
            now=now,
            listed=True,
        )
        for version in function.all_versions()
    ]
    return paging.page("Versions", listed, call.parameters, lambda item: str(item["Version"]))


def _state(version: Version) -> str:
    told = msgspec.json.encode((version.configuration, version.code), order="deterministic")
    return hashlib.sha256(told).hexdigest()
