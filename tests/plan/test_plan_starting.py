"""Cold starts, estimated: by a model, and by what was measured where anything was."""

from __future__ import annotations

import pytest

from made_values import AL2023, entry
from wideload.plan.starting import (
    IMPORT_SECONDS,
    IMPORTED,
    LOADER_SECONDS,
    ROUND_TRIP,
    ROUND_TRIPS,
    RUNTIME,
    UNCOMPILED,
    UNPACK_RATE,
    Contents,
    cold_start,
    fetch_seconds,
)
from wideload.values.bundle import BundleEstimate
from wideload.values.function import Strategy
from wideload.values.merit import MEASURED_SCHEMA, Measured
from wideload.values.network import Network
from wideload.values.target import Family, Target
from wideload.values.tree import FileEntry, FileTree, LocalFile

NODE = Target.parse("nodejs22.x", "x86_64")
START = RUNTIME[Family.PYTHON]


def package(modules: int, *, compiled: bool = True, library: int = 0) -> FileTree:
    files = [entry(f"pkg/m{number}.py", 1000) for number in range(modules)]
    if compiled:
        files += [entry(f"pkg/__pycache__/m{n}.cpython-313.pyc", 1000) for n in range(modules)]
    if library:
        files.append(entry("pkg/lib.so", library))
    return FileTree.of(files)


def bundle(zipped: int = 10_000_000, unzipped: int = 40_000_000) -> BundleEstimate:
    return BundleEstimate(1000, 2000, zipped, unzipped, unzipped)


def measured(**seconds: float) -> Measured:
    ways = {name.replace("_", "-"): value for name, value in seconds.items()}
    return Measured(MEASURED_SCHEMA, AL2023, 1024, "safe", "all", (), ways, dict.fromkeys(ways, 3))


def seconds_of(strategy: Strategy, tree: FileTree, known: Measured | None = None) -> float:
    return cold_start(strategy, Contents(AL2023, tree), bundle(), known).seconds


def test_few_modules_are_all_imported_and_of_many_the_smaller_share() -> None:
    few, many = (Contents(AL2023, package(count)) for count in (400, 6400))
    assert few.imported == few.modules == 400
    assert many.imported == IMPORTED * 80
    found = cold_start(Strategy.S3_ZIP, many, None, None)
    assert found.seconds == pytest.approx(START + IMPORTED * 80 * IMPORT_SECONDS)
    assert found.basis == "model"
    assert sum(found.parts.values()) == pytest.approx(found.seconds)


def test_without_byte_code_an_import_takes_longer() -> None:
    compiled, not_compiled = (
        seconds_of(Strategy.S3_ZIP, package(100, compiled=each)) - START for each in (True, False)
    )
    assert not_compiled == pytest.approx(UNCOMPILED * compiled)


def test_byte_code_beside_its_module_is_no_second_module() -> None:
    sourceless = FileTree.of([entry(f"m{number}.pyc") for number in range(9)])
    assert Contents(AL2023, sourceless).modules == 9
    assert Contents(AL2023, package(9)).modules == 9


def test_zips_and_layers_start_alike() -> None:
    ways = (Strategy.DIRECT_ZIP, Strategy.S3_ZIP, Strategy.LAYERS)
    assert len({seconds_of(way, package(50)) for way in ways}) == 1


def test_python_imports_while_it_is_fetched_and_node_waits() -> None:
    tree = package(1000)
    python = seconds_of(Strategy.S3_BOOTSTRAP, tree)
    assert python == pytest.approx(seconds_of(Strategy.S3_ZIP, tree) + LOADER_SECONDS)
    files = FileTree.of([entry(f"node_modules/m{number}.js") for number in range(1000)])
    contents = Contents(NODE, files)
    plain, bundled = (
        cold_start(way, contents, bundle(), None).seconds
        for way in (Strategy.S3_ZIP, Strategy.S3_BOOTSTRAP)
    )
    assert bundled > plain + 40_000_000 / UNPACK_RATE


def test_what_takes_longer_to_unpack_than_to_import_is_waited_for() -> None:
    contents = Contents(AL2023, package(10))
    found = cold_start(Strategy.S3_BOOTSTRAP, contents, bundle(unzipped=1_350_000_000), None)
    assert found.seconds == pytest.approx(START + 5.0 + 0.1 + LOADER_SECONDS, rel=0.01)


def test_mounts_pay_for_each_library_and_for_what_the_import_does_not_hide() -> None:
    small, large = package(500, library=300_000_000), package(500, library=900_000_000)
    plain = seconds_of(Strategy.S3_ZIP, small)
    importing = plain - START
    for way in (Strategy.EFS, Strategy.S3_FILES):
        hidden, waited = seconds_of(way, small), seconds_of(way, large)
        assert plain + ROUND_TRIPS * ROUND_TRIP <= hidden < plain + 2 * Network().median
        assert waited - hidden == pytest.approx(fetch_seconds(900_000_000) - importing, rel=0.01)
    assert seconds_of(Strategy.S3_ZIP, large) < seconds_of(Strategy.IMAGE, large)
    assert seconds_of(Strategy.IMAGE, large) < seconds_of(Strategy.EFS, large)


def test_each_library_that_is_mounted_is_a_round_trip_and_no_module_is() -> None:
    modules = package(400)
    libraries = FileTree.of([*modules, *(entry(f"lib{number}.so") for number in range(300))])
    alone = seconds_of(Strategy.EFS, modules) - seconds_of(Strategy.S3_ZIP, modules)
    with_libraries = seconds_of(Strategy.EFS, libraries) - seconds_of(Strategy.S3_ZIP, libraries)
    assert alone == pytest.approx(0.0)
    assert with_libraries == pytest.approx(300 * ROUND_TRIPS * ROUND_TRIP)


def test_a_model_of_the_users_is_read_where_it_is_mounted() -> None:
    own = LocalFile("/source/model.bin", "")
    model = FileEntry("model.bin", 12 << 30, 12 << 30, 0, 0o644, True, own)
    found = cold_start(Strategy.EFS, Contents(AL2023, FileTree.of([model])), None, None)
    assert found.parts["read"] == fetch_seconds(12 << 30) > 150


def test_what_was_measured_of_a_way_is_told_as_it_was_measured() -> None:
    found = cold_start(
        Strategy.EFS, Contents(AL2023, package(5)), bundle(), measured(efs=7.5, s3_zip=2.0)
    )
    assert (found.seconds, found.basis, found.parts) == (7.5, "measured", {})


def test_one_zip_is_as_good_as_another() -> None:
    for way in ("plain", "layers", "direct-zip"):
        known = measured(**{way.replace("-", "_"): 2.0})
        found = cold_start(Strategy.S3_ZIP, Contents(AL2023, package(5)), bundle(), known)
        assert (found.seconds, found.basis) == (2.0, "measured")


def test_a_model_is_corrected_by_what_was_measured_of_another_way() -> None:
    tree = package(5)
    known = measured(plain=START + 3.0)
    found = cold_start(Strategy.S3_BOOTSTRAP, Contents(AL2023, tree), bundle(), known)
    assert found.basis == "corrected"
    assert found.parts["import"] == pytest.approx(3.0)
    assert found.seconds == pytest.approx(START + 3.0 + LOADER_SECONDS)
    unlike = seconds_of(Strategy.EFS, tree) - seconds_of(Strategy.S3_ZIP, tree)
    alike = seconds_of(Strategy.EFS, tree, known) - (START + 3.0)
    assert alike == pytest.approx(unlike)


def test_a_measured_bundle_tells_of_the_import_as_well() -> None:
    known = measured(s3_bootstrap=START + LOADER_SECONDS + 4.0)
    assert seconds_of(Strategy.S3_ZIP, package(5), known) == pytest.approx(START + 4.0)


def test_what_was_measured_of_a_baseline_alone_says_nothing() -> None:
    known = measured(shell=9.9)
    assert cold_start(Strategy.S3_ZIP, Contents(AL2023, package(5)), None, known).basis == "model"


def test_a_burst_is_fetched_at_once_and_the_rest_more_slowly() -> None:
    assert fetch_seconds(0) == 0
    assert fetch_seconds(300_000_000) < 0.25
    assert fetch_seconds(1_300_000_000) > 12


def test_of_packages_of_npms_whose_files_are_not_known_the_modules_are_guessed() -> None:
    standing = entry("node_modules/big/package.json", 6_800_000)
    small = entry("node_modules/small/package.json", 4_000)
    contents = Contents(NODE, FileTree.of([standing, small, entry("index.mjs")]))
    assert contents.modules == 1 + 100
    assert standing in contents.read.entries
    assert small not in contents.read.entries
