"""The quotas: their edges, the words of AWS, and where each number is from."""

from __future__ import annotations

import gzip
import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import botocore
import pytest

from wideload import limits
from wideload.errors import WideloadError
from wideload.values.proposal import BrokenLimit


@pytest.fixture(scope="module")
def shapes() -> dict[str, Any]:
    """Of botocore's model of Lambda, read without our code."""
    folder = Path(botocore.__file__).parent / "data" / "lambda" / "2015-03-31"
    found: dict[str, Any] = json.loads(
        gzip.decompress((folder / "service-2.json.gz").read_bytes())
    )["shapes"]
    return found


@pytest.mark.parametrize(
    ("shape", "read"),
    [
        ("MemorySize", limits.memory_range),
        ("Timeout", limits.timeout_range),
        ("EphemeralStorageSize", limits.ephemeral_range),
    ],
)
def test_ranges_are_what_botocores_model_says(
    shapes: dict[str, Any], shape: str, read: Any
) -> None:
    assert read() == (shapes[shape]["min"], shapes[shape]["max"]) == limits.model_range(shape)


def test_runtimes_are_what_botocores_model_says(shapes: dict[str, Any]) -> None:
    assert limits.model_runtimes() == tuple(shapes["Runtime"]["enum"])
    assert "python3.13" in limits.model_runtimes()


@pytest.mark.parametrize("shape", ["NoSuchShape", "FunctionVersion"])
def test_a_limit_that_the_model_does_not_state_is_not_guessed(shape: str) -> None:
    with pytest.raises(WideloadError) as caught:
        limits.model_range(shape)
    assert caught.value.what == f"the limit of {shape} is not known"
    assert metadata.version("botocore") in caught.value.why


def words(found: BrokenLimit | None) -> str:
    assert found is not None
    return found.aws_error


def edge(found: BrokenLimit | None) -> tuple[str, int, int]:
    assert found is not None
    return found.limit, found.allowed, found.actual


@pytest.mark.parametrize(
    ("operation", "limit"),
    [
        ("UpdateFunctionCode", 69_905_067),
        ("CreateFunction", 70_167_211),
        ("PublishLayerVersion", 70_167_211),
    ],
)
def test_the_request_must_stay_below_its_limit(operation: str, limit: int) -> None:
    assert limits.check_request(limit - 1, operation) is None
    found = limits.check_request(limit, operation)
    assert edge(found) == ("request-size", limit, limit)
    assert words(found) == (
        f"RequestEntityTooLargeException: Request must be smaller than {limit} bytes for the "
        f"{operation} operation"
    )


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1000, 52_428_800])
def test_a_request_is_its_base64_and_what_is_around_it(size: int) -> None:
    body = len(json.dumps({"ZipFile": "A" * (4 * ((size + 2) // 3))}))
    assert 0 <= limits.request_bytes(size) - body <= 1


def test_a_zip_sent_directly() -> None:
    assert limits.check_direct_zip(52_428_786) is None
    assert edge(limits.check_direct_zip(52_428_787)) == ("request-size", 69_905_067, 69_905_068)


def test_the_zipped_quota_itself() -> None:
    assert limits.check_zipped(52_428_800) is None
    found = limits.check_zipped(52_428_801)
    assert edge(found) == ("code-size-zipped", 52_428_800, 52_428_801)
    assert words(found) == (
        "RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes"
    )


@pytest.mark.parametrize(
    ("layers", "allowed"),
    # The last three were seen in AWS's own answers.
    [(0, 262_144_000), (6_969_053, 255_174_947), (176_936_801, 85_207_199), (262_144_000, 0)],
)
def test_the_unzipped_quota_shrinks_by_the_layers(layers: int, allowed: int) -> None:
    assert limits.check_unzipped(allowed, layers) is None
    found = limits.check_unzipped(allowed + 1, layers)
    assert edge(found) == ("code-size-unzipped", allowed, allowed + 1)
    assert words(found) == (
        f"InvalidParameterValueException: Unzipped size must be smaller than {allowed} bytes"
    )


def test_layers_that_alone_are_too_big() -> None:
    found = limits.check_unzipped(0, 262_144_001)
    assert edge(found) == ("code-size-unzipped", 262_144_000, 262_144_001)
    assert words(found) == (
        "InvalidParameterValueException: Layers consume more than the available size of "
        "262144000 bytes"
    )


def test_one_layer() -> None:
    assert limits.check_layer(262_144_000) is None
    assert words(limits.check_layer(262_144_001)) == (
        "InvalidParameterValueException: Unzipped size must be smaller than 262144000 bytes"
    )


def test_the_number_of_layers() -> None:
    assert limits.check_layer_count(5) is None
    assert words(limits.check_layer_count(6)) == (
        "InvalidParameterValueException: Cannot reference more than 5 layers."
    )


def test_an_image() -> None:
    assert limits.check_image(10 * 1024**3) is None
    assert words(limits.check_image(10 * 1024**3 + 1)) == (
        "InvalidImage(SizeLimitExceeded: Uncompressed container image size exceeds 10 GiB limit)"
    )


def test_the_environment_is_counted_as_json_in_utf_8() -> None:
    fits = {"A": "x" * (4096 - 8)}
    assert limits.check_environment(fits) is None
    found = limits.check_environment({"A": fits["A"] + "x"})
    assert edge(found) == ("environment-size", 4096, 4097)
    assert words(found).startswith(
        "InvalidParameterValueException: Lambda was unable to configure your environment "
        "variables because the environment variables you have provided exceeded the 4KB limit."
    )
    assert words(found).endswith('String measured: {"A":"' + "x" * 4089 + '"}')
    assert limits.check_environment({"A": fits["A"][:-2] + "ü"}) is None
    assert edge(limits.check_environment({"A": fits["A"][:-1] + "ü"}))[2] == 4097


def test_payloads() -> None:
    assert limits.check_payload(6 * 1024**2) is None
    assert limits.check_payload(1024**2, event=True) is None
    waited, event = limits.check_payload(6291457), limits.check_payload(1048577, event=True)
    assert edge(waited) == ("payload-size", 6_291_456, 6_291_457)
    assert words(waited) == (
        "RequestEntityTooLargeException: Request must be smaller than 6291456 bytes for the "
        "InvokeFunction operation"
    )
    assert edge(event) == ("async-payload-size", 1_048_576, 1_048_577)
    assert words(event) == (
        "RequestEntityTooLargeException: 1048577 byte payload is too large for the Event "
        "invocation type (limit 1048576 bytes)"
    )


def test_every_quota_says_where_it_is_from() -> None:
    found = limits.quotas()
    assert len({quota.name for quota in found}) == len(found)
    for quota in found:
        assert quota.value > 0
        assert quota.source
        assert quota.what
        assert quota.aws_error
    sources = {quota.name: quota.source for quota in found}
    assert f"botocore {metadata.version('botocore')}" in sources["memory-max"]
    assert "docs.aws.amazon.com" in sources["code-size-unzipped"]


def test_what_refuses_says_what_the_quotas_say() -> None:
    said = {quota.name: quota.aws_error for quota in limits.quotas()}
    broken = [
        limits.check_request(10**9),
        limits.check_zipped(10**9),
        limits.check_unzipped(10**9),
        limits.check_layer_count(6),
        limits.check_image(10**12),
        limits.check_environment({"A": "x" * 5000}),
        limits.check_payload(10**9),
        limits.check_payload(10**9, event=True),
    ]
    for one in broken:
        assert one is not None
        pattern = re.escape(said[one.limit]).replace(r"\{\}", ".+")
        assert re.fullmatch(pattern, one.aws_error)
