"""What installers leave goes; what metadata, entry points and licences need stays."""

from __future__ import annotations

from pathlib import Path

from slimming_maker import Kitchen, gone

INFO = "pkg-1.0.dist-info"


def test_only_what_nothing_reads_goes(tmp_path: Path) -> None:
    left = ["entry_points.txt", "top_level.txt", "licenses/LICENSE", "COPYING", "NOTICE", "x.json"]
    lost = ["INSTALLER", "REQUESTED", "direct_url.json", "RECORD.jws", "sboms/a.cdx.json"]
    files = {f"{INFO}/{name}": "some\n" for name in [*left, *lost]}
    kitchen = Kitchen(tmp_path, {"pkg": {"pkg.py": "", "INSTALLER": "", **files}})
    slimmed = kitchen.slim()
    assert gone(slimmed) == {f"{INFO}/{name}": "leftovers/1" for name in lost}
    assert {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD")} <= set(
        slimmed.tree.by_path
    )
