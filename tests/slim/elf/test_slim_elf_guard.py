"""What refuses an ELF file, what is only told, and what is fine."""

from __future__ import annotations

import dataclasses

import pytest
from elf_maker import AARCH64, Spec, make

from wideload.slim.elf.guard import Problem, Surroundings, check
from wideload.slim.elf.sealed import seal
from wideload.values.target import Target

NEW = Target.parse("python3.13", "x86_64")
OLD = Target.parse("python3.11", "x86_64")
ARM = Target.parse("python3.13", "arm64")
ALONE = Surroundings.of(())
LIBC = "libc.so.6"
CPP = "libstdc++.so.6"


def of(
    spec: Spec, path: str = "p/x.abi3.so", target: Target = NEW, around: Surroundings = ALONE
) -> list[tuple[str, bool, str]]:
    found = check(make(spec), path, target, around)
    assert all(problem.path == path for problem in found)
    return [(problem.kind, problem.refuses, problem.what) for problem in found]


def needs(library: str, version: str, flags: int = 0) -> Spec:
    return Spec(needed=(library,), versions=((library, version, flags),))


@pytest.mark.parametrize(
    ("spec", "target"),
    [
        (needs(LIBC, "GLIBC_2.34"), NEW),
        (needs(LIBC, "GLIBC_2.2.5"), OLD),
        (needs(LIBC, "GLIBC_2.26"), OLD),
        (needs(LIBC, "GLIBC_PRIVATE"), OLD),
        (needs(LIBC, "GLIBC_2.38", flags=2), OLD),
        (needs(CPP, "GLIBCXX_3.4.24"), OLD),
        (needs(CPP, "GLIBCXX_3.4.29"), NEW),
        (needs(CPP, "CXXABI_1.3.13"), NEW),
        (needs(CPP, "CXXABI_FLOAT128"), OLD),
        (needs("libgcc_s.so.1", "GCC_7.0.0"), OLD),
        (Spec(needed=("libpython3.13.so.1.0",), versions=()), NEW),
        (Spec(needed=("libz.so.1", "libcrypto.so.3"), versions=()), NEW),
    ],
)
def test_what_the_runtime_has(spec: Spec, target: Target) -> None:
    assert of(spec, target=target) == []


@pytest.mark.parametrize(
    ("spec", "target", "what"),
    [
        (
            needs(LIBC, "GLIBC_2.35"),
            NEW,
            "needs GLIBC_2.35 of libc.so.6; python3.13 has GLIBC_2.34",
        ),
        (
            needs("libm.so.6", "GLIBC_2.27"),
            OLD,
            "needs GLIBC_2.27 of libm.so.6; python3.11 has GLIBC_2.26",
        ),
        (
            needs(LIBC, "GLIBC_ABI_DT_RELR"),
            NEW,
            "needs GLIBC_ABI_DT_RELR of libc.so.6; python3.13 has GLIBC_2.34",
        ),
        (
            needs(CPP, "GLIBCXX_3.4.30"),
            NEW,
            "needs GLIBCXX_3.4.30 of libstdc++.so.6; python3.13 has GLIBCXX_3.4.29",
        ),
        (
            needs(CPP, "CXXABI_1.3.12"),
            OLD,
            "needs CXXABI_1.3.12 of libstdc++.so.6; python3.11 has CXXABI_1.3.11",
        ),
        (
            needs("libz.so.1", "ZLIB_1.2.9"),
            OLD,
            "needs ZLIB_1.2.9 of libz.so.1; python3.11 has ZLIB_1.2.5.2",
        ),
    ],
)
def test_versions_that_are_too_new_refuse(spec: Spec, target: Target, what: str) -> None:
    assert of(spec, target=target) == [("version", True, what)]


def test_a_program_that_is_too_new_is_told() -> None:
    assert [refuses for _, refuses, _ in of(needs(LIBC, "GLIBC_2.40"), "bin/tool")] == [False]


@pytest.mark.parametrize(
    "runpath", ["$ORIGIN/../p.libs", "${ORIGIN}/../p.libs", "/var/task/p.libs"]
)
def test_a_bundled_library_answers_for_its_own_versions(runpath: str) -> None:
    spec = Spec(needed=(CPP,), versions=((CPP, "GLIBCXX_3.4.33", 0),), runpath=runpath)
    inside = Surroundings.of(["p/x.abi3.so", f"p.libs/{CPP}"])
    assert of(spec, around=inside) == []
    assert of(spec)[0][:2] == ("version", True)


def test_a_copy_that_no_path_leads_to_may_be_loaded_first() -> None:
    spec = Spec(needed=(CPP,), versions=((CPP, "GLIBCXX_3.4.33", 0),), runpath="$ORIGIN/../../..")
    elsewhere = Surroundings.of([f"other/{CPP}"])
    assert [refuses for _, refuses, _ in of(spec, around=elsewhere)] == [False]


def test_rpath_counts_only_without_a_runpath() -> None:
    spec = Spec(needed=(CPP,), versions=((CPP, "GLIBCXX_3.4.33", 0),), rpath="$ORIGIN")
    both = dataclasses.replace(spec, runpath="$ORIGIN/none")
    around = Surroundings.of([f"p/{CPP}"])
    assert of(spec, around=around) == []
    assert of(both, around=around)[0][0] == "version"


def test_a_library_of_a_plugin_is_told() -> None:
    found = of(Spec(needed=("libcuda.so.1",), versions=()))
    what = "needs libcuda.so.1, which neither the package nor the runtime has"
    assert found == [("library", False, what)]


def test_a_bundled_library_that_is_gone_refuses() -> None:
    spec = Spec(needed=("libgfortran-040039e1.so.5.0.0",), versions=())
    assert of(spec)[0][:2] == ("library", True)
    there = Surroundings.of(["p.libs/libgfortran-040039e1.so.5.0.0"])
    assert of(spec, around=there) == []


def test_layers_of_others_bring_libraries() -> None:
    spec = Spec(needed=("libodbc.so.2",), versions=())
    assert of(spec, around=Surroundings.of((), opt=["libodbc.so.2"])) == []
    assert of(spec)[0][0] == "library"


def test_another_systems_libraries_are_only_told() -> None:
    spec = Spec(needed=("libcrypt.so.1", "libpython3.12.so.1.0", "libnsl.so.1"), versions=())
    assert [refuses for _, refuses, _ in of(spec)] == [False] * 3
    assert [what for _, _, what in of(spec, target=OLD)] == [
        "needs libpython3.12.so.1.0, which neither the package nor the runtime has"
    ]


@pytest.mark.parametrize("name", ["libc.musl-x86_64.so.1", "libc.so"])
def test_musl_refuses(name: str) -> None:
    spec = Spec(needed=(name,), versions=())
    assert of(spec) == [("libc", True, f"needs {name}, the musl C library")]
    assert of(spec, "p/linux-musl/x.so")[0][1] is False


def test_another_machine_refuses() -> None:
    assert of(Spec(machine=AARCH64)) == [("machine", True, "made for arm64, not x86_64")]
    assert of(Spec(), target=ARM) == [("machine", True, "made for x86_64, not arm64")]
    assert of(Spec(machine=AARCH64), target=ARM) == []


@pytest.mark.parametrize(
    "path", ["p/lib/linux-aarch64/libx.so", "p/libx_arm64.so", "p/ARM64/libx.so", "bin/tool"]
)
def test_binaries_for_several_machines_are_told(path: str) -> None:
    assert [refuses for _, refuses, _ in of(Spec(machine=AARCH64), path)] == [False]


@pytest.mark.parametrize("path", ["p/libharmony.so", "p/charm/libx.so", "p/lib_farm64x.so"])
def test_a_name_that_only_sounds_like_a_machine_refuses(path: str) -> None:
    assert [refuses for _, refuses, _ in of(Spec(machine=AARCH64), path)] == [True]


@pytest.mark.parametrize("machine", [190, 224, 247])
def test_code_for_a_gpu_or_the_kernel_is_data(machine: int) -> None:
    assert of(Spec(machine=machine)) == []


def test_32_bits_and_big_endian_are_other_machines() -> None:
    small = b"\x7fELF\1\1\1" + bytes(11) + b"\3\0" + bytes(40)
    assert check(small, "p/x.so", NEW, ALONE) == (
        Problem("p/x.so", "machine", True, "made for 32-bit x86, not x86_64"),
    )
    big = b"\x7fELF\2\2\1" + bytes(11) + b"\0\x16" + bytes(50)
    assert check(big, "p/x.so", NEW, ALONE)[0].what == "made for s390x, not x86_64"


ANOTHER = "cpython-313-aarch64-linux-gnu"
OURS = "p/_x.cpython-313-x86_64-linux-gnu.so"


def test_an_extension_module_that_is_never_imported_refuses() -> None:
    path = f"p/_x.{ANOTHER}.so"
    what = f"an extension module for {ANOTHER}, which Python 3.13 on x86_64 does not import"
    assert of(Spec(machine=AARCH64), path) == [("python", True, what)]
    assert of(Spec(), "p/_x.cpython-312-x86_64-linux-gnu.so")[0][:2] == ("python", True)
    assert of(Spec(), "p/_x.cpython-313-x86_64-linux-musl.so")[0][:2] == ("python", True)
    assert of(Spec(), "p/_x.cpython-313t-x86_64-linux-gnu.so")[0][:2] == ("python", True)
    assert of(Spec(), OURS) == []


def test_an_extension_module_beside_the_right_one_is_fine() -> None:
    path = f"p/_x.{ANOTHER}.so"
    for right in (OURS, "p/_x.abi3.so", "p/_x.so"):
        assert of(Spec(machine=AARCH64), path, around=Surroundings.of([path, right])) == []


def test_an_extension_module_with_something_in_its_stead_is_told() -> None:
    path = f"p/_x.{ANOTHER}.so"
    for other in ("p/_x.py", "p/other.cpython-313-x86_64-linux-gnu.so"):
        found = of(Spec(machine=AARCH64), path, around=Surroundings.of([path, other]))
        assert [refuses for _, refuses, _ in found] == [False]
    apart = Surroundings.of([path, "q/other.cpython-313-x86_64-linux-gnu.so"])
    assert of(Spec(machine=AARCH64), path, around=apart)[0][1] is True


def test_a_damaged_library_refuses() -> None:
    cut = make(Spec())[:3000]
    (problem,) = check(cut, "p/x.so", NEW, ALONE)
    assert problem.kind == "damaged"
    assert problem.refuses
    assert problem.what.startswith("a damaged ELF file: ")
    assert not check(cut, "p/tests/data.bin", NEW, ALONE)[0].refuses


def test_other_files_have_no_problem() -> None:
    assert check(b"import os\n", "p/x.py", NEW, ALONE) == ()
    assert check(b"", "p/x.so", NEW, ALONE) == ()


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("lib/libcrypto.so.3", "lib/.libcrypto.so.3.hmac"),
        ("libfreeblpriv3.so", "libfreeblpriv3.chk"),
        ("a/x.so", "a/x.so.sig"),
    ],
)
def test_a_library_with_a_checksum_beside_it_is_sealed(path: str, beside: str) -> None:
    assert seal(path, {path, beside}).endswith("beside it holds a checksum of it")
    assert seal(path, {path, f"elsewhere/{beside}"}) == ""


def test_the_fips_provider_is_sealed() -> None:
    assert "FIPS" in seal("ossl-modules/fips.so", set())
