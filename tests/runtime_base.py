"""A base image like those that AWS publishes for Python, made of what this machine has.

Its interpreter is one that wideload finds, with the packages that the runtimes carry; its C
library and what else the interpreter and manylinux wheels load are this machine's.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from wideload import sandbox
from wideload.cache import made_once
from wideload.interpreters import find_interpreter
from wideload.sandbox.python_runtime import runtime_packages
from wideload.values.image import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from wideload.values.target import Architecture, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENTRYPOINT = "/lambda-entrypoint.sh"
_VERSION = 3
# As AWS's own starts its runtime where the Runtime API is there.
_SCRIPT = """\
#!/bin/sh
if [ $# -ne 1 ]; then
  echo "entrypoint requires the handler name to be the first argument" 1>&2
  exit 142
fi
export _HANDLER="$1"
exec /var/lang/bin/python{version} /var/runtime/bootstrap.py
"""
_ENVIRONMENT = {
    "LANG": "en_US.UTF-8",
    "TZ": ":/etc/localtime",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:"
    "/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}
_LEFT_OUT = {
    *("test", "idlelib", "turtledemo", "tkinter", "ensurepip", "site-packages", "lib2to3"),
    *("__pycache__", "dist-packages"),
}
_MORE_LIBRARIES = (
    *("libstdc++.so.6", "libgcc_s.so.1", "libresolv.so.2", "libnss_files.so.2"),
    *("libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1"),
)
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


def runtime_base(version: str, cache: Path) -> Path:
    """The OCI layout of a base for this minor version of Python, named ``latest``.

    Made once for each cache.
    """
    folder = cache / f"test-base-{version}-{_VERSION}"
    return made_once(folder, lambda made: _make(version, cache, made))


def _make(version: str, cache: Path, folder: Path) -> None:
    interpreter = find_interpreter(version, cache)
    packages = runtime_packages(interpreter, Architecture.X86_64, cache / "sandbox")
    lib = f"var/lang/lib/python{version}"
    stdlib = Path(interpreter.stdlib)
    system = _tar(
        [
            ("bin/sh", Path("/bin/sh").resolve()),
            *((str(path).lstrip("/"), path) for path in _libraries(interpreter.executable, stdlib)),
        ],
        {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n"},
        folders=("tmp", "opt", "var/task", "proc", "dev"),
    )
    lang = _tar(
        [
            (f"var/lang/bin/python{version}", Path(interpreter.executable)),
            *_files(lib, stdlib),
            *_files(f"{lib}/site-packages", packages, without=frozenset()),
            ("var/runtime/bootstrap.py", Path(sandbox.__file__).parent / "bootstrap.py"),
        ],
        {ENTRYPOINT.lstrip("/"): _SCRIPT.format(version=version)},
    )
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes, media_type: str) -> dict[str, str | int]:
        sha256 = hashlib.sha256(data).hexdigest()
        (blobs / sha256).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": len(data)}

    tars = (system, lang)
    config = {
        "architecture": Target.parse(f"python{version}", "x86_64").architecture.goarch,
        "os": "linux",
        "config": {
            "Entrypoint": [ENTRYPOINT],
            "Env": [f"{name}={value}" for name, value in _ENVIRONMENT.items()],
            "WorkingDir": "/var/task",
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in tars],
        },
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": blob(json.dumps(config).encode(), OCI_CONFIG),
        "layers": [blob(gzip.compress(one, 1, mtime=0), OCI_LAYER) for one in tars],
    }
    named: dict[str, object] = dict(blob(json.dumps(manifest).encode(), OCI_MANIFEST))
    named["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def _libraries(executable: str, stdlib: Path) -> list[Path]:
    """What the interpreter, its modules and a shell load, as the loader finds it."""
    modules = [one for one in (stdlib / "lib-dynload").glob("*.so") if "_tkinter" not in one.name]
    programs = [executable, "/bin/sh", *map(str, modules)]
    told = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    found = {Path(match) for match in _LIBRARY.findall(told)}
    (loader,) = (path for path in found if path.name.startswith("ld-"))
    (libc,) = (path for path in found if path.name == "libc.so.6")
    more = {libc.parent / name for name in _MORE_LIBRARIES}
    more |= {Path("/usr") / str(libc.parent).lstrip("/") / name for name in _MORE_LIBRARIES}
    names = {path.name for path in found}
    for path in more:
        if path.exists() and path.name not in names:
            found.add(path)
            names.add(path.name)
    return sorted(found | {loader})


def _files(
    inside: str, folder: Path, without: frozenset[str] = frozenset(_LEFT_OUT)
) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or without.intersection(relative.parts):
            continue
        if relative.parts[0].startswith("config-") or path.suffix == ".a":
            continue
        yield f"{inside}/{relative}", path


def _tar(
    files: Iterable[tuple[str, Path]], texts: dict[str, str], folders: tuple[str, ...] = ()
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in folders:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for inside, path in files:
            info = tarfile.TarInfo(inside)
            data = path.read_bytes()
            info.size = len(data)
            info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tar.addfile(info, io.BytesIO(data))
        for inside, text in texts.items():
            info = tarfile.TarInfo(inside)
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()
