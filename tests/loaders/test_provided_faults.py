"""Whatever S3, the network and the keys do: the user's own executable runs, or a clear error."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faulty_s3 import Answer, Asked, FaultyS3, error
from provided_world import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from provided_world import Outcome, ProvidedWorld


def once(answer: Answer) -> Callable[[Asked], Answer | None]:
    """The first attempt at each range is answered so."""
    return lambda asked: answer if asked.attempt == 0 else None


def half_of_them(answer: Answer) -> Callable[[Asked], Answer | None]:
    """The first two attempts at every other range are answered so."""
    return lambda asked: answer if asked.number % 2 and asked.attempt < 2 else None


def failed(world: ProvidedWorld, s3: FaultyS3, **more: str) -> str:
    """Why it does not start, as Lambda is told; nothing was run."""
    with RuntimeApi() as api:
        outcome = world.run(s3.url, AWS_LAMBDA_RUNTIME_API=api.host, **more)
    assert outcome.code == 1
    ((_, kind, body),) = api.reports
    assert kind == "Runtime.BundleError"
    assert not (world.folder / "complete").exists()
    message: str = body["errorMessage"]
    return message


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "InternalError"),
        error(503, "SlowDown"),
        error(400, "RequestTimeout"),
        Answer(stop_after=1000, then="close"),
        Answer(stop_after=1000, then="reset"),
        Answer(stop_after=0, then="reset"),
        Answer(status=200, data=b"<html>captive portal</html>"),
        Answer(headers={"Content-Range": "bytes 5-10/100"}),
        Answer(headers={"Content-Length": "17"}, stop_after=17, then="close"),
    ],
    ids=[
        "500",
        "slow-down",
        "timeout",
        "cut",
        "reset",
        "reset-at-once",
        "portal",
        "other-range",
        "short",
    ],
)
def test_it_is_asked_again_after(provided: ProvidedWorld, answer: Answer) -> None:
    with FaultyS3(provided.content, half_of_them(answer)) as s3:
        outcome = provided.run(s3.url)
    provided.right(outcome)
    assert outcome.timings["retries"] > 0


@pytest.mark.parametrize(
    "answer",
    [Answer(stop_after=20_000, then="stall"), Answer(delay=60), Answer(rate=10_000)],
    ids=["stalled", "late", "trickle"],
)
def test_what_is_slow_is_overtaken(provided: ProvidedWorld, answer: Answer) -> None:
    with FaultyS3(provided.content) as s3:
        s3.behave = lambda asked: answer if asked.number == 1 else None
        began = time.monotonic()
        outcome = provided.run(s3.url)
    provided.right(outcome)
    assert outcome.timings["hedges"] > 0
    assert time.monotonic() - began < 20


def test_when_all_stall_all_are_asked_again(provided: ProvidedWorld) -> None:
    """More than are overtaken: they are given up after a while."""
    with FaultyS3(provided.content, once(Answer(stop_after=20_000, then="stall"))) as s3:
        outcome = provided.run(s3.url)
    provided.right(outcome)
    assert outcome.timings["hedges"] > 0


def flipped(content: bytes, asked: Asked) -> bytes:
    data = bytearray(content[asked.start : asked.end])
    data[len(data) // 2] ^= 1
    return bytes(data)


def test_a_corrupted_range_is_fetched_again(provided: ProvidedWorld) -> None:
    with FaultyS3(provided.content) as s3:
        s3.behave = lambda asked: (
            Answer(data=flipped(provided.content, asked)) if asked.number < 2 else None
        )
        outcome = provided.run(s3.url)
    provided.right(outcome)
    assert outcome.timings["corrupt"] > 0


def test_a_tampered_bundle_is_never_run(provided: ProvidedWorld) -> None:
    """Every byte of it the attacker's choice: nothing of it is written, let alone run."""
    content = bytearray(provided.content)
    for offset, length, *_ in provided.index["frames"]:
        content[offset + length // 2] ^= 1
    with FaultyS3(bytes(content)) as s3:
        message = failed(provided, s3)
    assert "the bundle in S3 is not the one that was deployed" in message
    assert not [path for path in provided.tree.rglob("*") if path.is_file()]
    assert not [path for path in (provided.folder / "work").rglob("*") if path.is_file()]


def test_another_bundle_of_right_frames_is_never_run(
    make_provided: Callable[..., ProvidedWorld], provided: ProvidedWorld, tmp_path: Path
) -> None:
    evil = b"#!/bin/sh\necho EVIL\n" + b"#" * 3_000_000
    other = make_provided(tmp_path, files={"bootstrap": evil})
    size = provided.bundle.size
    with FaultyS3((other.content * (size // other.bundle.size + 1))[:size]) as s3:
        message = failed(provided, s3)
    assert "is not the one that was deployed" in message


def test_an_object_of_another_size_is_told(provided: ProvidedWorld) -> None:
    with FaultyS3(provided.content + b"more") as s3:
        message = failed(provided, s3)
    assert f"has {provided.bundle.size + 4} bytes, not {provided.bundle.size}" in message
    assert "deploy the function again" in message


def test_an_object_that_is_replaced_midway_by_itself(provided: ProvidedWorld) -> None:
    """Uploaded again, by a deployment at the same time: another ETag, the same bytes."""

    def behave(asked: Asked) -> Answer | None:
        etag = '"second"' if asked.number >= 2 else '"first"'
        if asked.headers.get("if-match", etag) != etag:
            return error(412, "PreconditionFailed")
        return Answer(headers={"ETag": etag})

    with FaultyS3(provided.content, behave) as s3:
        provided.right(provided.run(s3.url))


def test_an_object_that_is_replaced_midway_by_another(provided: ProvidedWorld) -> None:
    with FaultyS3(provided.content) as s3:

        def behave(asked: Asked) -> Answer | None:
            if asked.number == 2:
                s3.content = bytes(len(s3.content))
            return None

        s3.behave = behave
        message = failed(provided, s3)
    assert "is not the one that was deployed" in message


def test_an_object_that_is_missing(provided: ProvidedWorld) -> None:
    with FaultyS3(provided.content, lambda _: error(404, "NoSuchKey")) as s3:
        message = failed(provided, s3)
    assert "is not there; why: NoSuchKey" in message
    assert "hint: deploy the function again" in message


def test_access_denied_names_what_is_needed(provided: ProvidedWorld) -> None:
    with FaultyS3(provided.content, lambda _: error(403, "AccessDenied")) as s3:
        message = failed(provided, s3)
    assert "s3:GetObject on arn:aws:s3:::bucket/bundles/a key+ü" in message


def test_access_that_comes_late_is_waited_for(provided: ProvidedWorld) -> None:
    """Policies take effect after a moment."""
    with FaultyS3(provided.content, once(error(403, "AccessDenied"))) as s3:
        provided.right(provided.run(s3.url))


def test_a_clock_that_is_wrong_is_set_by_the_servers(provided: ProvidedWorld) -> None:
    def behave(asked: Asked) -> Answer | None:
        told = time.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
        ahead = time.mktime(told) - time.mktime(time.gmtime()) - s3.skew
        return error(403, "RequestTimeTooSkewed") if abs(ahead) > 900 else None

    with FaultyS3(provided.content, behave) as s3:
        s3.skew = 7200
        provided.right(provided.run(s3.url))


def test_a_bucket_of_another_region_is_found(provided: ProvidedWorld) -> None:
    def behave(asked: Asked) -> Answer | None:
        if "/us-west-2/s3/" in asked.headers["authorization"]:
            return None
        return error(400, "AuthorizationHeaderMalformed", x_amz_bucket_region="us-west-2")

    with FaultyS3(provided.content, behave) as s3:
        provided.right(provided.run(s3.url))


def test_keys_that_have_expired_are_told(provided: ProvidedWorld) -> None:
    with FaultyS3(provided.content, lambda _: error(400, "ExpiredToken")) as s3:
        assert "ExpiredToken" in failed(provided, s3)


def test_a_host_that_does_not_answer(provided: ProvidedWorld) -> None:
    outcome = provided.run("http://127.0.0.1:9")
    assert outcome.code == 1
    assert "could not be read; why: 10 attempts failed" in outcome.error
    assert "connection refused" in outcome.error


def test_over_tls_the_host_must_be_who_it_says(
    provided: ProvidedWorld, certificate: Callable[[str], Path]
) -> None:
    right, wrong = certificate("localhost"), certificate("elsewhere")

    def run(tls: Path, trusted: Path) -> Outcome:
        provided.clear()
        with FaultyS3(provided.content, tls=tls) as s3:
            return provided.run(s3.url, AWS_CA_BUNDLE=str(trusted))

    provided.right(run(right, right))
    for tls, trusted in ((right, wrong), (wrong, wrong)):
        outcome = run(tls, trusted)
        assert outcome.code == 1
        assert "localhost:" in outcome.error
        assert "cannot be trusted with the request for the bundle" in outcome.error


def test_little_memory_is_enough(provided: ProvidedWorld) -> None:
    """Of a function of 128 MB, with all that the loader has mapped."""
    outcome = provided.start()
    assert outcome.timings["max_rss_kb"] < 64 * 1024
