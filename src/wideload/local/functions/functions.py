"""Creating, reading, changing and deleting functions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.local.functions import (
    configuration,
    container_images,
    faults,
    file_systems,
    layers,
    lookup,
    names,
    packages,
    paging,
    rendering,
    snapshots,
    versions,
)
from wideload.local.functions.documents import (
    Configuration,
    FunctionDocument,
    RetiredNumbers,
    Version,
)
from wideload.local.functions.service import Reply, fresh_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.local.functions.documents import Code
    from wideload.local.functions.names import Place
    from wideload.local.functions.service import Call, Service

_LONGEST_NAME = 64
_NOT_EMBEDDED = (
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "DurableConfig",
    "TenancyConfig",
    "RuntimeConfig",
    "AcceleratorConfig",
    "PublishTo",
)


def create(service: Service, call: Call) -> dict[str, Any]:
    """CreateFunction."""
    request = call.parameters
    meant = lookup.reference(call)
    if meant.qualifier not in (None, names.LATEST):
        raise faults.invalid(f"A function cannot be created with a qualifier: {meant.qualifier}")
    if meant.bare and len(meant.name) > _LONGEST_NAME:
        raise faults.invalid(
            f"1 validation error detected: Value '{meant.name}' at 'functionName' failed to "
            f"satisfy constraint: Member must have length less than or equal to {_LONGEST_NAME}"
        )
    _refuse_not_embedded(request)
    image = container_images.is_image(request)
    container_images.refuse_mixed(request["Code"], request, image=image, doing="creating")
    attached = layers.attached(service, call, request.get("Layers", []))
    wanted = configuration.created(request, attached)
    file_systems.check(service, wanted)
    _check_role(service, wanted.role)
    _check_name_free(service, call, meant.name)
    with (
        _code(service, call.place, request["Code"], wanted) as code,
        service.store.lock,
    ):
        _check_name_free(service, call, meant.name)
        retired = service.store.retired.get(call.place, meant.name)
        function = FunctionDocument(
            account=call.place.account,
            region=call.place.region,
            name=meant.name,
            latest=_changed(service, None, wanted, code),
            next_version=retired.next_version if retired else 1,
            tags=request.get("Tags", {}),
        )
        published = function.latest
        if request.get("Publish"):
            function, published = versions.published(service, function)
        service.store.functions.put(function)
    snapshots.take(service, function, published)
    container_images.pull(service, function)
    return rendering.configuration(
        published, name=function.name, arn=function.arn(), now=service.clock()
    )


def get(service: Service, call: Call) -> dict[str, Any]:
    """GetFunction."""
    function, qualifier = lookup.function(service, call)
    version = lookup.version(function, qualifier)
    answer: dict[str, Any] = {
        "Configuration": _rendered(service, function, version, qualifier),
        "Code": _location(service, version.code),
    }
    if function.tags:
        answer["Tags"] = function.tags
    if function.reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return answer


def get_configuration(service: Service, call: Call) -> dict[str, Any]:
    """GetFunctionConfiguration."""
    function, qualifier = lookup.function(service, call)
    return _rendered(service, function, lookup.version(function, qualifier), qualifier)


def update_code(service: Service, call: Call) -> dict[str, Any]:
    """UpdateFunctionCode."""
    request = call.parameters
    function = lookup.unqualified(service, call, latest_too=True)
    _refuse_not_embedded(request)
    image = function.latest.code.image is not None
    container_images.refuse_mixed(request, {}, image=image, doing="updating")
    _check_changeable(service, function, request)
    wanted = function.latest.configuration
    with (
        _code(service, call.place, request, wanted) as code,
        service.store.lock,
    ):
        function = lookup.unqualified(service, call, latest_too=True)
        _check_changeable(service, function, request)
        wanted = function.latest.configuration
        if code.image is None:
            configuration.check_sizes(wanted, code.unzipped)
        if "Architectures" in request:
            wanted = msgspec.structs.replace(wanted, architecture=request["Architectures"][0])
        answer = _commit(service, function, wanted, code, request)
    service.collect()
    return answer


def update_configuration(service: Service, call: Call) -> dict[str, Any]:
    """UpdateFunctionConfiguration."""
    request = call.parameters
    _refuse_not_embedded(request)
    there = lookup.unqualified(service, call, latest_too=True)
    image = there.latest.code.image is not None
    container_images.refuse_mixed({}, request, image=image, doing="updating")
    attached = None
    if "Layers" in request:
        attached = layers.attached(service, call, request["Layers"])
    with service.store.lock:
        function = lookup.unqualified(service, call, latest_too=True)
        _check_changeable(service, function, request)
        before = function.latest
        wanted = configuration.updated(before.configuration, request, attached)
        file_systems.check(service, wanted)
        if "Role" in request and request["Role"] != before.configuration.role:
            _check_role(service, wanted.role)
        configuration.check_layers_beside(wanted, before.code.unzipped)
        return _commit(service, function, wanted, before.code, {})


def delete(service: Service, call: Call) -> Reply:
    """DeleteFunction: of a version, or of all."""
    meant = lookup.reference(call)
    if meant.qualifier == names.LATEST:
        raise faults.invalid("$LATEST version cannot be deleted without deleting the function.")
    if meant.qualifier is not None and not names.is_version(meant.qualifier):
        raise faults.invalid("Deletion of aliases is not currently supported.")
    with service.store.lock:
        function = service.store.functions.get(call.place, meant.name)
        if function is None:
            raise faults.function_not_found(call.place.function_arn(meant.name))
        if meant.qualifier is None:
            gone = function.all_versions()
            service.store.retired.put(
                RetiredNumbers(
                    account=function.account,
                    region=function.region,
                    name=function.name,
                    next_version=function.next_version,
                )
            )
            service.store.functions.remove(function)
        else:
            gone = _delete_version(service, function, meant.qualifier)
    for version in gone:
        service.pool.retire(version.incarnation)
    service.collect()
    return Reply(204)


def list_all(service: Service, call: Call) -> dict[str, Any]:
    """ListFunctions."""
    request = call.parameters
    every = request.get("FunctionVersion") == "ALL"
    now = service.clock()
    listed = []
    for function in service.store.functions.within(call.place):
        for version in function.all_versions() if every else (function.latest,):
            arn = function.arn(version.number if every else None)
            listed.append(
                rendering.configuration(version, name=function.name, arn=arn, now=now, listed=True)
            )
    return paging.page("Functions", listed, request, lambda item: str(item["FunctionArn"]))


def _commit(
    service: Service,
    function: FunctionDocument,
    wanted: Configuration,
    code: Code,
    request: dict[str, Any],
) -> dict[str, Any]:
    before = function.latest
    latest = _changed(service, before, wanted, code)
    function = msgspec.structs.replace(function, latest=latest, serving=before)
    published, arn = latest, function.arn()
    if request.get("Publish"):
        function, published = versions.published(service, function)
        arn = function.arn(published.number)
    answer = rendering.configuration(published, name=function.name, arn=arn, now=service.clock())
    if not request.get("DryRun"):
        service.store.functions.put(function)
        snapshots.take(service, function, published)
        if _is_pulled(code, before):
            container_images.pull(service, function)
        else:
            service.retire_settled(before.incarnation)
    return answer


def _changed(
    service: Service, before: Version | None, wanted: Configuration, code: Code
) -> Version:
    pulled = _is_pulled(code, before)
    return Version(
        number=names.LATEST,
        configuration=wanted,
        code=code,
        modified=service.stamp(),
        incarnation=fresh_id(),
        change="create" if before is None else "update",
        settles=service.clock() + (container_images.LONGEST if pulled else service.settle),
        revision=fresh_id(),
        settled_revision=fresh_id(),
    )


def _is_pulled(code: Code, before: Version | None) -> bool:
    """Whether the change is through only when an image is there."""
    return code.image is not None and (before is None or before.code != code)


@contextmanager
def _code(
    service: Service, place: Place, source: dict[str, Any], wanted: Configuration
) -> Iterator[Code]:
    """The code that a request names; it stays if a document refers to it after the block."""
    if "ImageUri" in source:
        yield container_images.taken(service, place, source["ImageUri"])
        return
    with packages.taken(
        service, place, source, lambda unzipped: configuration.check_sizes(wanted, unzipped)
    ) as code:
        yield code


def _location(service: Service, code: Code) -> dict[str, str]:
    if code.image is not None:
        return {
            "RepositoryType": "ECR",
            "ImageUri": code.image.uri,
            "ResolvedImageUri": code.image.resolved_uri,
        }
    return {"RepositoryType": "S3", "Location": service.downloads.url(code.sha256)}


def _delete_version(
    service: Service, function: FunctionDocument, number: str
) -> tuple[Version, ...]:
    gone = function.versions.get(number)
    if gone is None:
        return ()
    holders = [
        alias.name
        for alias in function.aliases.values()
        if number == alias.version or number in alias.weights
    ]
    if holders:
        raise faults.conflict(
            "Unable to delete version because the following aliases reference it: "
            f"[{', '.join(holders)}]"
        )

    def without(entries: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in entries.items() if key != number}

    service.store.functions.put(
        msgspec.structs.replace(
            function,
            versions=without(function.versions),
            policies=without(function.policies),
            provisioned=without(function.provisioned),
            event_configs=without(function.event_configs),
            published_as="" if function.published_as == number else function.published_as,
        )
    )
    return (gone,)


def _rendered(
    service: Service, function: FunctionDocument, version: Version, qualifier: str | None
) -> dict[str, Any]:
    return rendering.configuration(
        version, name=function.name, arn=function.arn(qualifier), now=service.clock()
    )


def _check_changeable(
    service: Service, function: FunctionDocument, request: dict[str, Any]
) -> None:
    now = service.clock()
    lookup.check_revision(function.latest.revision_at(now), request.get("RevisionId"))
    lookup.check_idle(function, now)


def _check_role(service: Service, role: str) -> None:
    if not service.roles.assumable_by_lambda(role):
        raise faults.invalid("The role defined for the function cannot be assumed by Lambda.")


def _check_name_free(service: Service, call: Call, name: str) -> None:
    if service.store.functions.get(call.place, name) is not None:
        raise faults.conflict(f"Function already exist: {name}")


def _refuse_not_embedded(request: dict[str, Any]) -> None:
    for member in _NOT_EMBEDDED:
        if member in request:
            raise faults.not_embedded(member)
