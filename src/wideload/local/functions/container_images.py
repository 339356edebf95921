"""Functions that are container images: taken, pulled in the background, started."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from wideload import limits
from wideload.errors import WideloadError
from wideload.local.boundaries import ImageRefused
from wideload.local.functions import faults
from wideload.local.functions.documents import Code
from wideload.rootfs import TooBig
from wideload.values.environment import Container

if TYPE_CHECKING:
    from wideload.local.functions.documents import FunctionDocument, Version
    from wideload.local.functions.names import Place
    from wideload.local.functions.service import Service

LONGEST = 3600.0
"""Seconds that pulling an image may take."""
INVALID_IMAGE = "InvalidImage"
"""Of the model's reasons for a state."""

# What functions of the one kind may not have of the other's.
_OF_ZIPS = ("Runtime", "Handler", "Layers")
_ZIP_CODE = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")


def is_image(request: dict[str, Any]) -> bool:
    """Whether a CreateFunction asks for an image."""
    return bool(request.get("PackageType") == "Image")


def refuse_mixed(code: dict[str, Any], request: dict[str, Any], *, image: bool, doing: str) -> None:
    """Refuse what the function's package type does not go with.

    :param code: where the code is said to come from.
    :param doing: ``creating`` or ``updating``.
    :raises LambdaFault: for instance an ImageUri of a zip's function: a function never changes
        its package type.
    """
    kind = "Image" if image else "Zip"
    wrong = _ZIP_CODE if image else ("ImageUri",)
    members = [member for member in wrong if member in code]
    members += [member for member in (_OF_ZIPS if image else ("ImageConfig",)) if member in request]
    if members:
        raise faults.invalid(
            f"Please don't provide {members[0]} when {doing} a function with packageType {kind}."
        )
    if image and doing == "creating" and "ImageUri" not in code:
        raise faults.invalid(
            "Please provide ImageUri when creating a function with packageType Image."
        )


def taken(service: Service, place: Place, uri: str) -> Code:
    """The image that a URI means now, pinned by its digest.

    :raises LambdaFault: Lambda would not take it.
    """
    try:
        image = service.images.find(place.account, place.region, uri)
    except ImageRefused as refused:
        raise faults.invalid(str(refused)) from None
    except WideloadError as error:
        raise faults.LambdaFault("ServiceException", str(error), 500, kind="Service") from error
    return Code(image.manifest.sha256, 0, 0, image)


def pull(service: Service, function: FunctionDocument) -> None:
    """Pull the image of ``$LATEST`` in the background; the change is through when it is there.

    Of other functions, and where it is through, it does nothing.
    """
    latest = function.latest
    if latest.code.image is None or latest.failed or latest.settled(service.clock()):
        return
    threading.Thread(
        target=_pull, args=(service, function), name="pull an image", daemon=True
    ).start()


def container(service: Service, function: FunctionDocument, version: Version) -> Container | None:
    """What an environment of a version is started from, where it is an image.

    :raises WideloadError: the image cannot be had any more.
    """
    image, wanted = version.code.image, version.configuration.image
    if image is None:
        return None
    try:
        root = service.images.root(function.account, function.region, image, limits.IMAGE_SIZE)
    except TooBig:
        raise WideloadError("the image is too big") from None
    entrypoint, command, folder = image.entrypoint, image.command, image.working_directory
    if wanted is not None:
        entrypoint = entrypoint if wanted.entrypoint is None else wanted.entrypoint
        command = command if wanted.command is None else wanted.command
        folder = wanted.working_directory or folder
    return Container(str(root), entrypoint, command, folder, image.variables)


def _pull(service: Service, function: FunctionDocument) -> None:
    latest = function.latest
    image = latest.code.image
    assert image is not None
    failed = ""
    try:
        service.images.root(function.account, function.region, image, limits.IMAGE_SIZE)
    except TooBig:
        broken = limits.check_image(limits.IMAGE_SIZE + 1)
        assert broken is not None
        failed = broken.aws_error
    except WideloadError as error:
        failed = f"{error.what}: {error.why}"
    with service.store.lock:
        now = service.store.functions.get(function.place, function.name)
        if now is None:
            return

        def settled(version: Version) -> Version:
            if version.code != latest.code or version.settled(service.clock()):
                return version
            return msgspec.structs.replace(
                version,
                settles=service.clock() + (0 if failed else service.settle),
                failed=failed,
                failed_code=INVALID_IMAGE if failed else version.failed_code,
            )

        service.store.functions.put(
            msgspec.structs.replace(
                now,
                latest=settled(now.latest),
                versions={number: settled(one) for number, one in now.versions.items()},
            )
        )
    if not failed and now.serving is not None:
        service.retire_settled(now.serving.incarnation)
