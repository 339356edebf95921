"""Whatever S3, the network and the keys do: the right answer, or a clear error."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from faulty_s3 import Answer, Asked, FaultyS3, error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loader_world import World

pytestmark = pytest.mark.network


def once(answer: Answer) -> Callable[[Asked], Answer | None]:
    """The first attempt at each range is answered so."""
    return lambda asked: answer if asked.attempt == 0 else None


def half_of_them(answer: Answer) -> Callable[[Asked], Answer | None]:
    """The first two attempts at every other range are answered so."""
    return lambda asked: answer if asked.number % 2 and asked.attempt < 2 else None


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
def test_it_is_asked_again_after(world: World, answer: Answer) -> None:
    with FaultyS3(world.content, half_of_them(answer)) as s3:
        outcome = world.run(s3.url)
    world.right(outcome)
    world.whole()
    assert outcome.timings["retries"] > 0


def test_a_stalled_connection_is_overtaken(world: World) -> None:
    with FaultyS3(world.content, once(Answer(stop_after=20_000, then="stall"))) as s3:
        began = time.monotonic()
        outcome = world.run(s3.url)
    world.right(outcome)
    world.whole()
    assert outcome.timings["hedges"] > 0
    assert time.monotonic() - began < 30


def test_a_slow_answer_is_overtaken(world: World) -> None:
    with FaultyS3(world.content) as s3:
        s3.behave = lambda asked: Answer(delay=60) if asked.number == 1 else None
        outcome = world.run(s3.url)
    world.right(outcome)
    assert outcome.timings["hedges"] > 0


def test_a_trickle_is_overtaken(world: World) -> None:
    with FaultyS3(world.content) as s3:
        s3.behave = lambda asked: Answer(rate=10_000) if asked.number == 1 else None
        outcome = world.run(s3.url)
    world.right(outcome)
    assert outcome.timings["hedges"] > 0


def flipped(content: bytes, asked: Asked) -> bytes:
    data = bytearray(content[asked.start : asked.end])
    data[len(data) // 2] ^= 1
    return bytes(data)


def test_a_corrupted_range_is_fetched_again(world: World) -> None:
    content = world.content
    with FaultyS3(content) as s3:
        s3.behave = lambda asked: (
            Answer(data=flipped(content, asked))
            if asked.number % 3 == 0 and not asked.attempt
            else None
        )
        outcome = world.run(s3.url)
    world.right(outcome)
    world.whole()
    assert outcome.timings["corrupt"] > 0


def nothing_of_it_ran(world: World) -> None:
    """No file of the tree is other than the bundle's, whatever is missing."""
    wanted = {entry.path: world.kitchen.content(entry) for entry in world.kitchen.raw}
    for path in world.tree.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == wanted[path.relative_to(world.tree).as_posix()]
    assert not (world.folder / "complete").exists()


def test_a_tampered_bundle_is_never_imported(world: World) -> None:
    """Every byte of it the attacker's choice: he cannot get a module of his to run."""
    content = bytearray(world.content)
    for offset, length, *_ in world.index["frames"]:
        content[offset + length // 2] ^= 1
    with FaultyS3(bytes(content)) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "the bundle in S3 is not the one that was deployed" in outcome.error
    nothing_of_it_ran(world)


def test_a_bundle_of_other_frames_is_never_imported(
    make_world: Callable[..., World], world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A whole other bundle under the same key, zstd and all."""
    packages = {"alpha": {"alpha/__init__.py": "print('ATTACK')\n" + "#" * 3_600_000}}
    other = make_world(tmp_path_factory.mktemp("other"), packages=packages)
    content = (other.content * (world.bundle.size // other.bundle.size + 1))[: world.bundle.size]
    with FaultyS3(content) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "is not the one that was deployed" in outcome.error
    assert "ATTACK" not in outcome.error
    nothing_of_it_ran(world)


def test_an_object_of_another_size_is_told(world: World) -> None:
    with FaultyS3(world.content + b"more") as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert f"has {world.bundle.size + 4} bytes, not {world.bundle.size}" in outcome.error
    assert "deploy the function again" in outcome.error


def test_an_object_that_is_replaced_midway_by_itself(world: World) -> None:
    """Uploaded again, by a deployment at the same time: another ETag, the same bytes."""

    def behave(asked: Asked) -> Answer | None:
        etag = '"second"' if asked.number >= 2 else '"first"'
        if asked.headers.get("if-match", etag) != etag:
            return error(412, "PreconditionFailed")
        return Answer(headers={"ETag": etag})

    with FaultyS3(world.content, behave) as s3:
        world.right(world.run(s3.url))
    world.whole()


def test_ranges_are_of_one_and_the_same_object(world: World) -> None:
    with FaultyS3(world.content) as s3:
        s3.behave = lambda asked: None if asked.number < 1 else Answer(delay=0.3)
        world.right(world.run(s3.url))
        pinned = [asked for asked in s3.asked if "if-match" in asked.headers]
    assert all(asked.headers["if-match"] == s3.etag for asked in pinned)


def test_an_object_that_is_missing(world: World) -> None:
    with FaultyS3(world.content, lambda _: error(404, "NoSuchKey")) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "is not there; why: NoSuchKey" in outcome.error
    assert "hint: deploy the function again" in outcome.error


def test_access_denied_names_what_is_needed(world: World) -> None:
    with FaultyS3(world.content, lambda _: error(403, "AccessDenied")) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "s3:GetObject on arn:aws:s3:::bucket/bundles/a key+ü" in outcome.error


def test_access_that_comes_late_is_waited_for(world: World) -> None:
    """Policies take effect after a moment."""
    with FaultyS3(world.content, once(error(403, "AccessDenied"))) as s3:
        world.right(world.run(s3.url))


def test_a_clock_that_is_wrong_is_set_by_the_servers(world: World) -> None:
    def behave(asked: Asked) -> Answer | None:
        told = time.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
        ahead = time.mktime(told) - time.mktime(time.gmtime()) - s3.skew
        return error(403, "RequestTimeTooSkewed") if abs(ahead) > 900 else None

    with FaultyS3(world.content, behave) as s3:
        s3.skew = 7200
        world.right(world.run(s3.url))


def test_a_bucket_of_another_region_is_found(world: World) -> None:
    def behave(asked: Asked) -> Answer | None:
        if "/us-west-2/s3/" in asked.headers["authorization"]:
            return None
        return error(400, "AuthorizationHeaderMalformed", x_amz_bucket_region="us-west-2")

    with FaultyS3(world.content, behave) as s3:
        world.right(world.run(s3.url))


def test_keys_that_have_expired_are_told(world: World) -> None:
    with FaultyS3(world.content, lambda _: error(400, "ExpiredToken")) as s3:
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "ExpiredToken" in outcome.error


@pytest.fixture
def container() -> Iterator[tuple[str, list[str]]]:
    """A credentials' endpoint: new keys at each request."""
    served: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            right = self.headers.get("Authorization") == "open sesame"
            served.append(f"KEY{len(served)}")
            body = json.dumps(
                {
                    "AccessKeyId": served[-1],
                    "SecretAccessKey": "secret",
                    "Token": "token",
                    "Expiration": "2099-01-01T00:00:00Z",
                }
            ).encode()
            self.send_response_only(200 if right else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/keys", served
    server.shutdown()
    server.server_close()
    thread.join()


def test_keys_of_the_container_and_their_rotation(
    world: World, container: tuple[str, list[str]]
) -> None:
    url, served = container

    def behave(asked: Asked) -> Answer | None:
        first = "Credential=KEY0/" in asked.headers["authorization"]
        return error(400, "ExpiredToken") if first and asked.number > 1 else None

    with FaultyS3(world.content, behave) as s3:
        outcome = world.run(
            s3.url,
            AWS_ACCESS_KEY_ID="",
            AWS_CONTAINER_CREDENTIALS_FULL_URI=url,
            AWS_CONTAINER_AUTHORIZATION_TOKEN="open sesame",
        )
    world.right(outcome)
    assert served[:2] == ["KEY0", "KEY1"]


def test_without_any_keys_it_says_so(world: World) -> None:
    outcome = world.start(AWS_ACCESS_KEY_ID="")
    assert outcome.code == 1
    assert "there are no credentials to read the bundle with" in outcome.error


def test_a_host_that_does_not_answer(world: World) -> None:
    outcome = world.run("http://127.0.0.1:9")
    assert outcome.code == 1
    assert "could not be read; why: 10 attempts failed" in outcome.error
    assert "ConnectionRefusedError" in outcome.error


def test_a_swallowed_error_still_fails_the_start(
    make_world: Callable[..., World], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A module that does without what it cannot import must not run without the bundle's."""
    app = (
        "try:\n    import big\nexcept Exception:\n    big = None\ndef handler(*_):\n    return 1\n"
    )
    world = make_world(tmp_path_factory.mktemp("swallows"), own={"app.py": app})
    _, _, *rest = world.index["frames"]
    with FaultyS3(world.content) as s3:
        s3.behave = lambda asked: error(404, "NoSuchKey") if asked.end > rest[3][0] else None
        outcome = world.run(s3.url)
    assert outcome.code == 1
    assert "is not there; why: NoSuchKey" in outcome.error


def test_the_process_that_unpacks_may_be_killed(world: World) -> None:
    """It is started anew, and takes what was done."""
    code = """
import json, os, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
def kill():
    time.sleep(float(os.environ["AFTER"]))
    for each in os.listdir("/proc"):
        if each.isdigit() and int(each) != os.getpid():
            try:
                if os.getsid(int(each)) == os.getsid(0):
                    os.kill(int(each), signal.SIGKILL)
            except OSError:
                pass
import _wideload.engine as engine
first = engine.launch
def launch(*arguments):
    channel = first(*arguments)
    threading.Thread(target=kill).start()
    engine.launch = start.launch = first
    return channel
import _wideload.start as start
start.launch = launch
module, name = os.environ["_HANDLER"].rsplit(".", 1)
import importlib
print(json.dumps(importlib.import_module(module).handler({"n": 1}, None)))
"""
    for after in ("0.1", "0.3"):
        world.clear()
        with FaultyS3(world.content, lambda _: Answer(rate=2_000_000)) as s3:
            world.right(world.run(s3.url, code, AFTER=after))
        world.whole()
