"""Lambda's quotas, where each number is from, and the words of AWS when one is broken.

The planner predicts with these functions and the embedded AWS refuses with the same ones,
so a prediction and a refusal cannot differ. What botocore's service model states is read
from it; the rest carries the place where it was read.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from wideload.errors import WideloadError
from wideload.values.proposal import BrokenLimit

_DOCS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"

CODE_SIZE_ZIPPED = 52_428_800
"""Bytes of a zip sent in the request (``AccountLimit.CodeSizeZipped``)."""
CODE_SIZE_UNZIPPED = 262_144_000
"""Bytes of a function and its layers, unzipped (``AccountLimit.CodeSizeUnzipped``)."""
LAYER_COUNT = 5
IMAGE_SIZE = 10 * 1024**3
IMAGE_LAYERS = 127
"""Layers of an image. Lambda documents no number of its own; Docker's overlay2 mounts at most 127
(``max depth exceeded``), which ECR's documentation named as its limit too."""
IMAGE_MANIFEST_ADVISED = 25_400
"""Bytes of an image's manifest below which AWS advises to stay "for optimal performance".
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-types"""
PAYLOAD_SIZE = 6 * 1024**2
"""Bytes of a synchronous request or answer."""
ASYNC_PAYLOAD_SIZE = 1024**2
ENVIRONMENT_SIZE = 4096
TOTAL_CODE_SIZE = 75 * 1024**3
INIT_SECONDS = 10.0
"""What Lambda gives an init on demand; one that takes longer it ends, and begins again within the
first invocation. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
EPHEMERAL_DOCUMENTED = 10_240
"""MB of /tmp that AWS documents as the most; botocore's model admits more."""

# ceil(52,428,800 * 4 / 3): the size of the largest zip in base64. CreateFunction and
# PublishLayerVersion have been seen to grant 262,144 bytes more for the rest of the request.
_REQUEST_SIZE = math.ceil(CODE_SIZE_ZIPPED * 4 / 3)
_REQUEST_ALLOWANCE = 262_144
# `{"ZipFile": "…"}` around the base64, as botocore writes an UpdateFunctionCode.
_REQUEST_ENVELOPE = 16


class Quota(msgspec.Struct, frozen=True):
    """One limit as it is in force."""

    name: str
    value: int
    unit: str
    what: str
    source: str
    aws_error: str
    """What AWS answers when it is broken; ``{}`` stands for a number."""


def request_limit(operation: str) -> int:
    """Bytes that the body of this API operation must stay below."""
    if operation == "UpdateFunctionCode":
        return _REQUEST_SIZE
    return _REQUEST_SIZE + _REQUEST_ALLOWANCE


def request_bytes(zipped: int) -> int:
    """Bytes of the body that carries a zip of this size, in base64 within its JSON."""
    return 4 * math.ceil(zipped / 3) + _REQUEST_ENVELOPE


def check_request(body: int, operation: str = "UpdateFunctionCode") -> BrokenLimit | None:
    """Whether a request body of this size is taken by the operation."""
    allowed = request_limit(operation)
    if body < allowed:
        return None
    return BrokenLimit(
        "request-size",
        allowed,
        body,
        "RequestEntityTooLargeException: Request must be smaller than "
        f"{allowed} bytes for the {operation} operation",
    )


def check_zipped(zipped: int) -> BrokenLimit | None:
    """Whether a zip of this size may be sent in a request."""
    if zipped <= CODE_SIZE_ZIPPED:
        return None
    return BrokenLimit(
        "code-size-zipped",
        CODE_SIZE_ZIPPED,
        zipped,
        "RequestEntityTooLargeException: Zipped size must be smaller than "
        f"{CODE_SIZE_ZIPPED} bytes",
    )


def check_direct_zip(zipped: int) -> BrokenLimit | None:
    """Whether a zip of this size can be sent in an UpdateFunctionCode request.

    ``actual`` is of the request, since that is what AWS measures and names.
    """
    return check_request(request_bytes(zipped)) or check_zipped(zipped)


def check_unzipped(code: int, layers: int = 0) -> BrokenLimit | None:
    """Whether a function's files and those of its layers, in bytes unzipped, are taken.

    With layers attached AWS names what they leave over.
    """
    if layers > CODE_SIZE_UNZIPPED:
        return BrokenLimit(
            "code-size-unzipped",
            CODE_SIZE_UNZIPPED,
            layers,
            "InvalidParameterValueException: Layers consume more than the available size of "
            f"{CODE_SIZE_UNZIPPED} bytes",
        )
    allowed = CODE_SIZE_UNZIPPED - layers
    if code <= allowed:
        return None
    return BrokenLimit(
        "code-size-unzipped",
        allowed,
        code,
        f"InvalidParameterValueException: Unzipped size must be smaller than {allowed} bytes",
    )


def check_layer(unzipped: int) -> BrokenLimit | None:
    """Whether one layer may be this big unzipped."""
    if unzipped <= CODE_SIZE_UNZIPPED:
        return None
    return BrokenLimit(
        "code-size-unzipped",
        CODE_SIZE_UNZIPPED,
        unzipped,
        "InvalidParameterValueException: Unzipped size must be smaller than "
        f"{CODE_SIZE_UNZIPPED} bytes",
    )


def check_layer_count(count: int) -> BrokenLimit | None:
    """Whether a function may have this many layers."""
    if count <= LAYER_COUNT:
        return None
    return BrokenLimit(
        "layer-count",
        LAYER_COUNT,
        count,
        f"InvalidParameterValueException: Cannot reference more than {LAYER_COUNT} layers.",
    )


def check_image(uncompressed: int) -> BrokenLimit | None:
    """Whether an image may be this big uncompressed."""
    if uncompressed <= IMAGE_SIZE:
        return None
    return BrokenLimit(
        "image-size",
        IMAGE_SIZE,
        uncompressed,
        "InvalidImage(SizeLimitExceeded: Uncompressed container image size exceeds 10 GiB limit)",
    )


def check_image_layers(count: int) -> BrokenLimit | None:
    """Whether an image may have this many layers, its base's among them."""
    if count <= IMAGE_LAYERS:
        return None
    return BrokenLimit("image-layers", IMAGE_LAYERS, count, "docker: max depth exceeded")


def check_ephemeral(wanted: int, ephemeral: int) -> BrokenLimit | None:
    """Whether so many bytes have room in a /tmp of so many MB."""
    allowed = ephemeral << 20
    if wanted <= allowed:
        return None
    return BrokenLimit("ephemeral", allowed, wanted, "OSError: [Errno 28] No space left on device")


def _environment_json(variables: dict[str, str]) -> str:
    # As Lambda measures them, and cites them when they are too big.
    return json.dumps(variables, separators=(",", ":"), ensure_ascii=False)


def check_environment(variables: dict[str, str]) -> BrokenLimit | None:
    """Whether these environment variables are few and short enough."""
    measured = _environment_json(variables)
    actual = len(measured.encode())
    if actual <= ENVIRONMENT_SIZE:
        return None
    return BrokenLimit(
        "environment-size",
        ENVIRONMENT_SIZE,
        actual,
        "InvalidParameterValueException: Lambda was unable to configure your environment "
        "variables because the environment variables you have provided exceeded the 4KB "
        f"limit. String measured: {measured}",
    )


def check_payload(size: int, *, event: bool = False) -> BrokenLimit | None:
    """Whether a payload of this size may be invoked with, as an event or waiting for it."""
    if event:
        if size <= ASYNC_PAYLOAD_SIZE:
            return None
        return BrokenLimit(
            "async-payload-size",
            ASYNC_PAYLOAD_SIZE,
            size,
            f"RequestEntityTooLargeException: {size} byte payload is too large for the Event "
            f"invocation type (limit {ASYNC_PAYLOAD_SIZE} bytes)",
        )
    if size <= PAYLOAD_SIZE:
        return None
    return BrokenLimit(
        "payload-size",
        PAYLOAD_SIZE,
        size,
        f"RequestEntityTooLargeException: Request must be smaller than {PAYLOAD_SIZE} bytes "
        "for the InvokeFunction operation",
    )


RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""Names that Lambda sets itself and refuses from users.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""


def _botocore_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return version("botocore")


@cache
def _model_shapes() -> dict[str, Any]:
    # The service model as a plain file of the installed SDK: reading it needs no client,
    # and only deploy/ may import boto3.
    folder = resources.files("botocore") / "data" / "lambda" / "2015-03-31"
    for name in ("service-2.json.gz", "service-2.json"):
        file = folder / name
        if file.is_file():
            data = file.read_bytes()
            if name.endswith(".gz"):
                import gzip  # noqa: PLC0415

                data = gzip.decompress(data)
            shapes: dict[str, Any] = json.loads(data)["shapes"]
            return shapes
    raise WideloadError(
        "the installed botocore has no service model of Lambda",
        why=f"looked in data/lambda/2015-03-31 of botocore {_botocore_version()}",
        hint="reinstall wideload: its quotas for memory, timeout and /tmp are read there",
    )


def model_range(shape: str) -> tuple[int, int]:
    """Lowest and highest value that botocore's model of Lambda admits for a shape.

    :raises WideloadError: the model does not say, so the limit is unknown.
    """
    found = _model_shapes().get(shape, {})
    if "min" not in found or "max" not in found:
        raise WideloadError(
            f"the limit of {shape} is not known",
            why=f"botocore {_botocore_version()} states no range for it",
            hint="install another version of botocore",
        )
    return int(found["min"]), int(found["max"])


def model_runtimes() -> tuple[str, ...]:
    """Every runtime that botocore's model of Lambda names, retired ones too."""
    return tuple(_model_shapes()["Runtime"]["enum"])


def memory_range() -> tuple[int, int]:
    """MB of memory that a function may have."""
    return model_range("MemorySize")


def timeout_range() -> tuple[int, int]:
    """Seconds that a function may run."""
    return model_range("Timeout")


def ephemeral_range() -> tuple[int, int]:
    """MB of /tmp that a function may have."""
    return model_range("EphemeralStorageSize")


def quotas() -> tuple[Quota, ...]:
    """All quotas in force, for `wideload limits`."""
    model = f"botocore {_botocore_version()} service model"
    invalid = "InvalidParameterValueException"
    ranges = [
        Quota(
            f"{name}-{end}",
            value,
            unit,
            f"{which} {what}",
            f"{model}, {shape}",
            "ValidationException",
        )
        for name, shape, unit, what in (
            ("memory", "MemorySize", "MB", "memory of a function"),
            ("timeout", "Timeout", "s", "timeout of a function"),
            ("ephemeral", "EphemeralStorageSize", "MB", "/tmp of a function"),
        )
        for end, which, value in zip(
            ("min", "max"), ("least", "most"), model_range(shape), strict=True
        )
    ]
    return (
        Quota(
            "code-size-zipped",
            CODE_SIZE_ZIPPED,
            "bytes",
            "zip sent in the request",
            f"AccountLimit.CodeSizeZipped; {_DOCS}",
            "RequestEntityTooLargeException: Zipped size must be smaller than {} bytes",
        ),
        Quota(
            "request-size",
            _REQUEST_SIZE,
            "bytes",
            "body of UpdateFunctionCode, the zip in base64",
            "seen in AWS's answer; ceil(code-size-zipped * 4 / 3)",
            "RequestEntityTooLargeException: Request must be smaller than {} bytes for the "
            "UpdateFunctionCode operation",
        ),
        Quota(
            "code-size-unzipped",
            CODE_SIZE_UNZIPPED,
            "bytes",
            "function and all its layers, unzipped",
            f"AccountLimit.CodeSizeUnzipped; {_DOCS}",
            f"{invalid}: Unzipped size must be smaller than {{}} bytes",
        ),
        Quota(
            "layer-count",
            LAYER_COUNT,
            "layers",
            "layers of a function",
            _DOCS,
            f"{invalid}: Cannot reference more than {{}} layers.",
        ),
        Quota(
            "image-size",
            IMAGE_SIZE,
            "bytes",
            "container image, uncompressed",
            _DOCS,
            "InvalidImage(SizeLimitExceeded: Uncompressed container image size exceeds 10 GiB "
            "limit)",
        ),
        Quota(
            "image-layers",
            IMAGE_LAYERS,
            "layers",
            "layers of a container image, its base's among them",
            "what Docker's overlay2 mounts; Lambda documents no number",
            "docker: max depth exceeded",
        ),
        *ranges,
        Quota(
            "environment-size",
            ENVIRONMENT_SIZE,
            "bytes",
            "environment variables in all",
            _DOCS,
            f"{invalid}: Lambda was unable to configure your environment variables because the "
            "environment variables you have provided exceeded the 4KB limit. String measured: {}",
        ),
        Quota(
            "payload-size",
            PAYLOAD_SIZE,
            "bytes",
            "request or answer of a synchronous invocation",
            _DOCS,
            "RequestEntityTooLargeException: Request must be smaller than {} bytes for the "
            "InvokeFunction operation",
        ),
        Quota(
            "async-payload-size",
            ASYNC_PAYLOAD_SIZE,
            "bytes",
            "event of an asynchronous invocation",
            _DOCS,
            "RequestEntityTooLargeException: {} byte payload is too large for the Event "
            "invocation type (limit {} bytes)",
        ),
        Quota(
            "total-code-size",
            TOTAL_CODE_SIZE,
            "bytes",
            "functions and layers of a region, by default",
            f"AccountLimit.TotalCodeSize; {_DOCS}",
            "CodeStorageExceededException: Code storage limit exceeded.",
        ),
    )
