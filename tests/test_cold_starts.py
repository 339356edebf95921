"""What Lambda refuses SnapStart and provisioned concurrency to, as the configuration tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wideload.cold_starts import has_snap_start, provisioning_refusal, snap_start_refusal
from wideload.errors import WideloadError
from wideload.limits import model_runtimes
from wideload.source.config import load_project

if TYPE_CHECKING:
    from pathlib import Path

TABLE = '[functions.shop]\nhandler = "app.handler"\nruntime = "python3.13"\n'


def test_of_all_runtimes_those_that_aws_documents_have_snap_start() -> None:
    have = {one for one in model_runtimes() if snap_start_refusal(one, 512) is None}
    assert {"python3.12", "python3.13", "python3.14", "java11", "java21", "dotnet8"} <= have
    others = {"java8.al2", "dotnet6", "dotnetcore3.1", "dotnet5.0", "provided", "go1.x", "ruby3.3"}
    assert not have & others
    assert {one.rstrip("0123456789.") for one in have} == {"python", "java", "dotnet"}
    assert snap_start_refusal("nodejs22.x", 512) == (
        "nodejs22.x is not supported for SnapStart enabled functions."
    )


def test_what_snap_start_cannot_be_had_with() -> None:
    assert snap_start_refusal("python3.12", 512) is None
    assert "EphemeralStorage" in str(snap_start_refusal("python3.12", 513))
    assert "FileSystemConfigs" in str(snap_start_refusal("python3.12", 512, file_systems=True))
    assert "Provisioned Concurrency" in str(snap_start_refusal("python3.12", 512, provisioned=True))
    assert has_snap_start("eu-central-1")
    assert not has_snap_start("ap-east-2")


@pytest.mark.parametrize(
    ("wanted", "others", "unreserved", "reserved", "refused"),
    [
        (900, 0, 1000, None, False),
        (901, 0, 1000, None, True),
        (50, 0, 100, None, True),
        (200, 0, 100, None, True),
        (5, 0, 0, 5, False),
        (5, 1, 1000, 5, True),
    ],
)
def test_how_many_may_be_provisioned(
    wanted: int, others: int, unreserved: int, reserved: int | None, refused: bool
) -> None:
    answer = provisioning_refusal(wanted, others=others, unreserved=unreserved, reserved=reserved)
    assert (answer is not None) is refused


def test_the_keys_are_read_and_held_to_their_kind(tmp_path: Path) -> None:
    config = tmp_path / "wideload.toml"
    config.write_text(TABLE + "provisioned_concurrency = 3\n")
    function = load_project(tmp_path).functions["shop"]
    assert (function.provisioned_concurrency, function.snap_start) == (3, False)
    config.write_text(TABLE + "snap_start = true\n")
    assert load_project(tmp_path).functions["shop"].snap_start
    for line in ("provisioned_concurrency = -1", 'provisioned_concurrency = "2"', "snap_start = 1"):
        config.write_text(f"{TABLE}{line}\n")
        with pytest.raises(WideloadError, match=f"bad '{line.split()[0]}'"):
            load_project(tmp_path)
