"""Headers to compile against go, unless something that ships compiles or reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen, gone
from wideload.slim.rules.headers import RULE
from wideload.slim.rules.sources import RULE as SOURCES

HEADERS = {"pkg/include/pkg/a.h", "pkg/include/pkg/a.h.inc", "pkg/include/Eigen/b.hpp"}
FILES = {
    "pkg/__init__.py": "",
    "pkg/beside.h": "",
    # Composes names of headers, of which no rule can know where they lie.
    "pkg/writes.py": 'write(f"{name}.h")\nwrite(f"{name}.hpp")\n',
    **dict.fromkeys((*HEADERS, "pkg/include/LICENSE", "pkg/include/data.json"), ""),
}
READS = 'open(os.path.join(here, "include", "pkg", f"{name}.h"))\n'


def dropped(
    tmp_path: Path, wheels: dict[str, dict[str, str]], own: dict[str, str] | None = None
) -> set[str]:
    found = gone(Kitchen(tmp_path, wheels, own).slim())
    assert set(found.values()) <= {RULE.name, SOURCES.name}
    return set(found)


def test_headers_go_even_where_code_composes_names_of_headers_elsewhere(tmp_path: Path) -> None:
    slimmed = Kitchen(tmp_path, {"pkg": FILES}).slim()
    assert gone(slimmed) == dict.fromkeys(HEADERS, RULE.name)
    assert {one.reason for one in slimmed.removals if one.path in HEADERS} == {
        "include/ is for compiling against the package, and Lambda has no compiler"
    }


@pytest.mark.parametrize("code", [READS, 'glob(pkg.get_include() + "/" + "*.h")\n'])
def test_they_stay_where_one_file_composes_names_and_speaks_of_the_folder(
    tmp_path: Path, code: str
) -> None:
    files = {**FILES, "pkg/reads.py": code}
    assert dropped(tmp_path, {"pkg": files}) == {"pkg/include/pkg/a.h.inc"}


def test_an_ending_of_two_parts_is_composed_as_well(tmp_path: Path) -> None:
    files = {**FILES, "pkg/reads.py": 'glob(f"{get_include()}/x", "*.h.inc")\n'}
    # So are `.h` and `.hpp`, elsewhere in the package: that counts as soon as one file reads.
    assert dropped(tmp_path, {"pkg": files}) == set()


def test_what_the_functions_own_code_may_read_stays_in_all_packages(tmp_path: Path) -> None:
    assert dropped(tmp_path, {"pkg": FILES}, {"app.py": READS}) == set()


def test_the_build_script_of_the_package_itself_reads_nothing_on_lambda(tmp_path: Path) -> None:
    files = {**FILES, "pkg/tools/setup.py": f"import setuptools\n{READS}"}
    assert dropped(tmp_path, {"pkg": files}) == HEADERS
    files = {**FILES, "pkg/tools/setup.py": READS}
    assert dropped(tmp_path / "other", {"pkg": files}) == {"pkg/include/pkg/a.h.inc"}


def test_a_header_that_code_names_in_full_stays(tmp_path: Path) -> None:
    files = {**FILES, "pkg/cdef.py": 'ffi.cdef(read("a.h"), read("a.h.inc"))\n'}
    assert dropped(tmp_path, {"pkg": files}) == {"pkg/include/Eigen/b.hpp"}


def test_tensorflow_writes_a_makefile_that_names_the_folder_and_reads_nothing_there(
    tmp_path: Path,
) -> None:
    files = {**FILES, "pkg/aot.py": 'write(f"INC={get_include()}")\nout = "{}.h"\n'}
    assert dropped(tmp_path, {"tensorflow-cpu": files}) == HEADERS
    assert dropped(tmp_path / "other", {"pkg": files}) == {"pkg/include/pkg/a.h.inc"}


@pytest.mark.parametrize("name", ["torch", "nvidia-cuda-runtime", "pybind11", "cffi"])
def test_what_compiles_while_it_runs_keeps_its_headers(tmp_path: Path, name: str) -> None:
    assert dropped(tmp_path, {name: FILES}) == set()


@pytest.mark.parametrize("compiler", ["ziglang", "cppyy-cling"])
def test_with_a_compiler_the_headers_and_sources_of_all_packages_stay(
    tmp_path: Path, compiler: str
) -> None:
    plain = {"pkg/__init__.py": "", "pkg/include/a.h": "", "pkg/b.c": "", "pkg/c.pyi": ""}
    everything = {"pkg/include/a.h", "pkg/b.c", "pkg/c.pyi"}
    assert dropped(tmp_path, {"pkg": plain}) == everything
    wheels = {"pkg": plain, compiler: {"compiler/__init__.py": ""}}
    assert dropped(tmp_path / "with", wheels) == {"pkg/c.pyi"}


def test_a_package_of_that_name_and_a_file_are_no_folder_of_headers(tmp_path: Path) -> None:
    package = {
        "pkg/__init__.py": 'write(f"{name}.h")\n',
        "pkg/include/__init__.py": "",
        "pkg/include/template.h": "",
        "pkg/other/include": "",
    }
    assert dropped(tmp_path, {"pkg": package}) == set()
