"""What the operating systems of Lambda's runtimes bring for native code.

Grades: V is written down by its maintainers or measured, I is inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.values.target import Family

if TYPE_CHECKING:
    from wideload.values.target import Target

# Parts of glibc and GCC that every Linux with glibc has, Lambda's among them (V: the
# manylinux policies of pypa/auditwheel, without the desktop's X11, GL and GLib, which
# Lambda does not have, and without libnsl and libcrypt, which Amazon Linux 2023 packs
# apart from glibc).
_EVERYWHERE = frozenset(
    {
        "ld-linux-aarch64.so.1",
        "ld-linux-x86-64.so.2",
        "libanl.so.1",
        "libc.so.6",
        "libdl.so.2",
        "libgcc_s.so.1",
        "libm.so.6",
        "libpthread.so.0",
        "libresolv.so.2",
        "librt.so.1",
        "libstdc++.so.6",
        "libthread_db.so.1",
        "libutil.so.1",
    }
)

# I: what Python's own standard library is linked with there.
_WITH_PYTHON = frozenset({"libbz2.so.1", "libexpat.so.1", "liblzma.so.5", "libz.so.1"})

# I: Amazon Linux 2 has OpenSSL 1.0.2 under the names of RHEL 7 and glibc's own libcrypt and
# libnsl; Amazon Linux 2023 has OpenSSL 3. libmvec is x86_64's until glibc 2.38.
_AL2 = frozenset({"libcrypt.so.1", "libcrypto.so.10", "libnsl.so.1", "libssl.so.10"})
_AL2023 = frozenset({"libcrypto.so.3", "libssl.so.3"})

# The newest versions that the libraries there define. GLIBCXX and CXXABI are those of GCC 7
# on Amazon Linux 2 and of GCC 11 on 2023 (V: "ABI Policy and Guidelines" of libstdc++; I:
# that these GCC versions are the systems' own). GCC_11.0 exists on arm64 alone (V: the
# policy manylinux_2_34). ZLIB is of zlib 1.2.7 and 1.2.11 (I).
_AL2_VERSIONS = {
    "GLIBCXX": (3, 4, 24),
    "CXXABI": (1, 3, 11),
    "GCC": (7, 0, 0),
    "ZLIB": (1, 2, 5, 2),
}
_AL2023_VERSIONS = {
    "GLIBCXX": (3, 4, 29),
    "CXXABI": (1, 3, 13),
    "GCC": (11, 0),
    "ZLIB": (1, 2, 9),
}

_FIRST_OF_AL2023 = (2, 34)


def names(target: Target) -> frozenset[str]:
    """The libraries that a function finds without bringing them."""
    new = target.glibc >= _FIRST_OF_AL2023
    # V: the runtimes' Python lies in /var/lang with its library in /var/lang/lib, which is
    # the first folder of LD_LIBRARY_PATH there.
    machine = {"libmvec.so.1"} if target.architecture.machine == "x86_64" else set()
    system = _EVERYWHERE | (_AL2023 if new else _AL2) | machine
    if target.family is not Family.PYTHON:
        return system
    return system | _WITH_PYTHON | {f"libpython{target.python_version}.so.1.0"}


def newest(target: Target) -> dict[str, tuple[int, ...]]:
    """The newest version of each family of symbol versions, e.g. ``GLIBC`` → ``(2, 34)``."""
    new = target.glibc >= _FIRST_OF_AL2023
    return {"GLIBC": target.glibc, **(_AL2023_VERSIONS if new else _AL2_VERSIONS)}
