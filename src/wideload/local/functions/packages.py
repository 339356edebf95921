"""Where a package comes from: the request itself or S3."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wideload import limits
from wideload.local.boundaries import NoSuchBucket, NoSuchKey
from wideload.local.functions import faults
from wideload.local.functions.faults import LambdaFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wideload.local.functions.documents import Code
    from wideload.local.functions.names import Place
    from wideload.local.functions.service import Service


@contextmanager
def taken(
    service: Service, place: Place, source: dict[str, Any], check: Callable[[int], None]
) -> Iterator[Code]:
    """The package that a ``FunctionCode`` or ``LayerVersionContentInput`` names, stored.

    It stays if a document refers to it when the block ends.

    :param check: called with the unzipped bytes; refuses by raising.
    :raises LambdaFault: it is not there, no sound zip, or too big.
    """
    if source.get("S3ObjectStorageMode") == "REFERENCE":
        raise faults.not_embedded("S3ObjectStorageMode REFERENCE")
    if "ZipFile" in source:
        with (
            service.blobs.received(source["ZipFile"]) as path,
            service.blobs.keep(path, check) as code,
        ):
            _check_storage(service, place, code)
            yield code
    elif "S3Bucket" in source and "S3Key" in source:
        with service.blobs.keep(_object(service, source), check) as code:
            _check_storage(service, place, code)
            yield code
    else:
        raise faults.invalid("Please provide a source for function code.")


def _object(service: Service, source: dict[str, Any]) -> Path:
    version = source.get("S3ObjectVersion")
    try:
        found = service.objects.locate(source["S3Bucket"], source["S3Key"], version)
    except NoSuchBucket:
        code, message = "NoSuchBucket", "The specified bucket does not exist"
    except NoSuchKey:
        if version is None:
            code, message = "NoSuchKey", "The specified key does not exist."
        else:
            code, message = "NoSuchVersion", "The specified version does not exist."
    else:
        return Path(found.path)
    raise faults.invalid(
        f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
    )


def _check_storage(service: Service, place: Place, code: Code) -> None:
    if service.store.code_bytes(place) + code.size > limits.TOTAL_CODE_SIZE:
        raise LambdaFault("CodeStorageExceededException", "Code storage limit exceeded.")
