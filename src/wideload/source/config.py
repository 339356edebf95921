"""The configuration: found as git finds its folder, read strictly.

It is ``wideload.toml``, or ``[tool.wideload]`` of a ``pyproject.toml``, in the given folder
or the nearest one above it. A key that is not known, a value of another type or out of
range is an error that names file, table, key, what was found and what is allowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from wideload import cold_starts, limits
from wideload.errors import WideloadError
from wideload.source.bootstrap_file import BOOTSTRAP
from wideload.source.nearest import nearest
from wideload.source.toml import read_toml, table
from wideload.values.bundle import BUNDLE_VARIABLE
from wideload.values.function import Strategy
from wideload.values.mount import MOUNT_PATH
from wideload.values.target import Architecture, Family, Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG_NAME = "wideload.toml"
PYPROJECT_NAME = "pyproject.toml"

# The patterns are botocore's: FunctionName, LayerVersionArn, Handler, EnvironmentVariableName.
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_LAYER = re.compile(
    r"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9_-]{1,140}):([0-9]+|latest)"
)
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_HOST = re.compile(
    r"\*|(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?|\[[0-9a-fA-F:]+\]"
)
# LocalMountPath, the two kinds of FileSystemArn, and members of VpcConfig; and how many.
_MOUNT_PATH = re.compile(r"/mnt/[a-zA-Z0-9-_.]+")
_EFS = re.compile(
    r"arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z0-9-]+:\d{12}:access-point/fsap-[a-f0-9]{17}"
)
_S3_FILES = re.compile(
    r"arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/"
    r"access-point/fsap-[0-9a-f]{17,40}"
)
_S3_FILES_EXAMPLE = (
    "arn:aws:s3files:eu-west-1:123456789012:file-system/fs-0123456789abcdef0/"
    "access-point/fsap-0123456789abcdef0"
)
_SUBNET, _GROUP = re.compile(r"subnet-[0-9a-z]+"), re.compile(r"sg-[0-9a-zA-Z]+")
_MOST_SUBNETS, _MOST_GROUPS = 16, 5
_DESCRIPTION = 256
_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
_UNITS |= {"kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|B|[kMG]i?B)", re.IGNORECASE)
_NAMES_SHOWN = 8


class FunctionConfig(msgspec.Struct, frozen=True):
    """The table ``[functions.NAME]``, with what it inherits of ``[defaults]``."""

    handler: str
    runtime: str
    source: str = "."
    """Folder, relative to the one that holds the configuration."""
    architecture: str = "x86_64"
    requirements: str | None = None
    """Relative to the source folder or the configuration's; empty says that none are needed;
    nothing leaves it to be found."""
    build: str | None = None
    """Of a provided runtime: a command that makes ``bootstrap``, run by ``sh`` in a copy of the
    source with GOOS, GOARCH and CGO_ENABLED for the target. What it makes ships, with what
    ``include`` names."""
    install_scripts: bool = False
    """Of a function in Node.js: whether the install scripts of its packages are run. They are
    programs of others, and what they compile is for this machine."""
    memory: int = 1024
    """MB."""
    timeout: int = 30
    """Seconds."""
    ephemeral: int = 512
    """MB of /tmp."""
    provisioned_concurrency: int = 0
    """How many environments of the version that serves are kept initialised; AWS bills them
    while they are kept."""
    snap_start: bool = False
    """Whether environments start from a snapshot of an initialised one (SnapStart); for
    python3.12 and later, with 512 MB of /tmp at most, and not together with
    ``provisioned_concurrency``."""
    strategy: str = "auto"
    subnets: tuple[str, ...] = ()
    """Of the VPC that the function is attached to; needed by the strategies ``efs`` and
    ``s3-files``."""
    security_groups: tuple[str, ...] = ()
    """Of the function in its VPC."""
    efs_access_point: str | None = None
    """ARN of the access point that the strategy ``efs`` mounts."""
    s3_files_access_point: str | None = None
    """ARN of the access point that the strategy ``s3-files`` mounts."""
    mount_path: str = MOUNT_PATH
    """Where either is mounted."""
    image_base: str | None = None
    """What the strategy ``image`` builds on, by tag or digest; AWS's image of the runtime if
    unset."""
    image_file: str | None = None
    """A Dockerfile of the source folder that the strategy ``image`` has docker, podman or buildah
    build, where one of them is there. What wideload packs otherwise is not in such an image."""
    layers: tuple[str, ...] = ()
    """Layers made by others, attached first, in this order: ARNs of layer versions, ``latest``
    for the number leaving it to layers.lock.toml. What they carry is not packed."""
    prefer: str | tuple[str, ...] | None = None
    """Of two questions the answer, one word or a list of one for each. By what ``auto`` picks the
    way to ship: the fewest moving parts (``simple``, if unset), the soonest first answer
    (``cold-start``) or the least a month (``cheap``). And which version counts where a layer
    carries another one of a package than the lock has: the ``lock``'s, which is then packed, or
    the ``layer``'s; unset refuses and explains."""
    split: dict[str, int | str] = {}
    """Where packages lie by the strategy ``layers``: the number of a layer, from 1, or
    ``function``. What is not named here is placed so that little has to be uploaded often."""
    bundle_access: str = "object"
    """What the role may read by the strategy ``s3-bootstrap``: the ``object`` of each published
    version, or all below the ``prefix`` of the function's bundles, so that its policy stays as
    it is."""
    bundle_start: str = "all"
    """What is fetched at a cold start by the strategy ``s3-bootstrap``: ``all``, or what the events
    of `wideload trace` used (``traced``); the rest then comes when something first wants it. For
    functions in Python."""
    environment: dict[str, str] = {}
    network: tuple[str, ...] = ()
    description: str = ""
    include: tuple[str, ...] = ()
    """Patterns as in a .gitignore of files to pack although a rule leaves them out."""
    exclude: tuple[str, ...] = ()
    """Patterns as in a .gitignore of files to leave out."""
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    tests: bool = False
    """Whether the tests folder is packed."""
    allow_secrets: tuple[str, ...] = ()
    """Paths of files to pack although they look like secrets."""
    slim: str = "safe"
    """What is left out of the packages: what the ``runtime`` carries; that and tests, stubs,
    sources, documentation and unloaded parts of libraries (``safe``); that and what the events
    of `wideload trace` did not use (``traced``); or ``none``."""
    bytecode: str = "auto"
    """How modules ship compiled where ``slim`` is ``safe`` or ``traced``: ``beside`` their
    sources, in their place (``sourceless``), not at all (``none``); ``auto`` is beside while it
    fits."""
    docstrings: str = "keep"
    """Whether compiled modules of packages ``keep`` their docstrings; ``strip`` leaves them out
    where nothing is known to read them."""
    keep: tuple[str, ...] = ()
    """Patterns of paths that slimming leaves alone, e.g. ``scipy/stats/tests/*``."""
    allow_unloadable: tuple[str, ...] = ()
    """Patterns of paths of libraries to pack although the runtime cannot load them, for such
    as nothing ever loads."""
    max_unzipped: int | str | None = None
    """What the package may weigh: bytes, or a size like ``"180 MB"``."""
    max_zipped: int | str | None = None

    @property
    def preferred(self) -> tuple[str, ...]:
        """The words of `prefer`."""
        return (self.prefer,) if isinstance(self.prefer, str) else self.prefer or ()


class Project(msgspec.Struct, frozen=True):
    """A configuration and where it lies."""

    root: str
    """Absolute path of the folder that holds the configuration."""
    config: str
    """Absolute path of the configuration."""
    functions: dict[str, FunctionConfig]


# What a key takes, in words, and an example for the hint.
_STRINGS = "a list of strings"
_SLIM = ("runtime", "safe", "traced", "none")
PREFER_VERSION = ("lock", "layer")
PREFER_MERIT = ("simple", "cold-start", "cheap")
_BUNDLE_ACCESS = ("object", "prefix")
_BUNDLE_START = ("all", "traced")
_BYTECODE = ("auto", "beside", "sourceless", "none")
_DOCSTRINGS = ("keep", "strip")
_ALLOWED: dict[str, tuple[str, str]] = {
    "handler": ("module.function, without spaces, at most 128 characters", '"app.handler"'),
    "runtime": (" or ".join(Target.known_runtimes()), '"python3.13"'),
    "source": ("the path of a folder", '"."'),
    "architecture": (" or ".join(Architecture), '"x86_64"'),
    "requirements": ('the path of a file, or "" for none', '"requirements.txt"'),
    "build": ("a command, for a provided runtime", '"go build -o bootstrap ."'),
    "install_scripts": ("true or false", "false"),
    "memory": ("a whole number of MB", "1024"),
    "timeout": ("a whole number of seconds", "30"),
    "ephemeral": ("a whole number of MB", "512"),
    "provisioned_concurrency": ("a whole number of environments, 0 for none", "2"),
    "snap_start": ("true or false", "true"),
    "strategy": (", ".join(["auto", *Strategy]), '"auto"'),
    "layers": ("a list of at most 5 ARNs of layer versions, each of another layer", "[]"),
    "prefer": (
        " or ".join((*PREFER_MERIT, *PREFER_VERSION)) + ", or a list with one of either kind",
        '"cold-start"',
    ),
    "subnets": (f"a list of at most {_MOST_SUBNETS} ids of subnets", '["subnet-0a1b2c3d"]'),
    "security_groups": (
        f"a list of at most {_MOST_GROUPS} ids of security groups",
        '["sg-0a1b2c3d"]',
    ),
    "efs_access_point": (
        "the ARN of an access point of EFS",
        '"arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"',
    ),
    "s3_files_access_point": (
        "the ARN of an access point of S3 Files",
        f'"{_S3_FILES_EXAMPLE}"',
    ),
    "mount_path": ("/mnt/ and a name", '"/mnt/wideload"'),
    "image_base": ("the reference of an image", '"public.ecr.aws/lambda/python:3.13"'),
    "image_file": ("the path of a Dockerfile", '"Dockerfile"'),
    "split": (
        'a table of packages, each with the number of a layer or "function"',
        '{ numpy = 1, requests = "function" }',
    ),
    "bundle_access": (" or ".join(_BUNDLE_ACCESS), '"object"'),
    "bundle_start": (" or ".join(_BUNDLE_START), '"traced"'),
    "environment": ("a table of strings", '{ STAGE = "prod" }'),
    "network": ('a list of host names, without scheme or path, or "*"', '["example.com"]'),
    "description": (f"a string of at most {_DESCRIPTION} characters", '""'),
    "include": (_STRINGS, '["data/*.bin"]'),
    "exclude": (_STRINGS, '["notebooks/"]'),
    "groups": (_STRINGS, '["job"]'),
    "extras": (_STRINGS, '["fast"]'),
    "tests": ("true or false", "false"),
    "slim": (" or ".join(_SLIM), '"safe"'),
    "bytecode": (" or ".join(_BYTECODE), '"auto"'),
    "docstrings": (" or ".join(_DOCSTRINGS), '"keep"'),
    "keep": (_STRINGS, '["scipy/stats/tests/*"]'),
    "allow_unloadable": (_STRINGS, '["demo/plugins/*.so"]'),
    "max_unzipped": ("a number of bytes, or a size", '"180 MB"'),
    "max_zipped": ("a number of bytes, or a size", '"60 MB"'),
    "allow_secrets": ("a list of paths in the source folder", '["certs/public.pem"]'),
}
_FIELDS = {field.name: field for field in msgspec.structs.fields(FunctionConfig)}
_RANGES: dict[str, Callable[[], tuple[int, int]]] = {
    "memory": limits.memory_range,
    "timeout": limits.timeout_range,
    "ephemeral": limits.ephemeral_range,
}


class _Table(msgspec.Struct, frozen=True):
    """Where a value stands, for the messages about it."""

    file: str
    name: str

    def refuse(self, key: str, found: object, allowed: str = "", why: str = "") -> WideloadError:
        known, example = _ALLOWED[key]
        return WideloadError(
            f"bad {key!r} in [{self.name}] of {self.file}",
            why=f"{why or f'found {_shown(found)}'}; allowed is {allowed or known}",
            hint=f"for instance {key} = {example}",
        )

    def unknown(self, key: str, known: list[str], kind: str = "key") -> WideloadError:
        guess = nearest(key, known)
        where = f"[{self.name}] of {self.file}" if self.name else self.file
        return WideloadError(
            f"unknown {kind} {key!r} in {where}",
            why=f"known are {', '.join(known)}",
            hint=f"did you mean {guess!r}?" if guess else f"remove {key!r}",
        )


def load_project(start: Path) -> Project:
    """The project that a folder is in.

    :raises WideloadError: there is no configuration here or above, there are two in one
        folder, or it is not as it must be.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        own = folder / CONFIG_NAME
        pyproject = folder / PYPROJECT_NAME
        document = read_toml(pyproject) if pyproject.is_file() else {}
        in_pyproject = "wideload" in table(document, "tool")
        if own.is_file() and in_pyproject:
            raise WideloadError(
                f"two configurations in {folder}",
                why=f"both {CONFIG_NAME} and [tool.wideload] of {PYPROJECT_NAME} are there",
                hint="keep one of them",
            )
        if own.is_file():
            return _project(own, read_toml(own), "")
        if in_pyproject:
            return _project(pyproject, document["tool"]["wideload"], "tool.wideload.")
    raise WideloadError(
        "no configuration found",
        why=f"no {CONFIG_NAME} and no [tool.wideload] in a {PYPROJECT_NAME} "
        f"in {start} or a folder above it",
        hint="run `wideload init` in the folder of your function",
    )


def _project(path: Path, content: Any, prefix: str) -> Project:
    file = str(path)
    top = _Table(file, prefix.rstrip("."))
    content = _as_table(content, top, "the configuration")
    for key in content:
        if key not in ("defaults", "functions"):
            raise top.unknown(key, ["defaults", "functions"], "table")
    defaults_table = _Table(file, f"{prefix}defaults")
    defaults = _as_table(content.get("defaults", {}), defaults_table, "[defaults]")
    _check_keys(defaults, defaults_table)
    _typed(defaults, defaults_table)
    tables = _as_table(content.get("functions", {}), top, "[functions]")
    if not tables:
        raise WideloadError(
            f"{file} names no function",
            why=f"there is no table [{prefix}functions.NAME]",
            hint="run `wideload init`, or write one with handler and runtime",
        )
    functions = {
        name: _function(name, own, defaults, _Table(file, f"{prefix}functions.{name}"))
        for name, own in tables.items()
    }
    return Project(str(path.parent), file, functions)


def _function(name: str, own: Any, defaults: dict[str, Any], where: _Table) -> FunctionConfig:
    if not _NAME.fullmatch(name):
        raise WideloadError(
            f"bad function name {name!r} in {where.file}",
            why="Lambda allows 1 to 64 of the characters a-z A-Z 0-9 - _",
            hint=f"rename the table [{where.name}]",
        )
    own = _as_table(own, where, f"[{where.name}]")
    _check_keys(own, where)
    both = {**defaults, **own}
    shared = defaults.get("environment")
    if isinstance(shared, dict) and isinstance(own.get("environment"), dict):
        both["environment"] = {**shared, **own["environment"]}
    if str(both.get("runtime", "")).startswith("provided"):
        # Lambda wants a handler of every function and tells it to the program, that is all.
        both.setdefault("handler", BOOTSTRAP)
    for key, field in _FIELDS.items():
        if field.required and key not in both:
            raise WideloadError(
                f"{key!r} is missing in [{where.name}] of {where.file}",
                why=f"neither this table nor [defaults] has it; allowed is {_ALLOWED[key][0]}",
                hint=f"for instance {key} = {_ALLOWED[key][1]}",
            )
    config = FunctionConfig(**_typed(both, where))
    _check_values(config, where)
    return config


def _as_table(value: Any, where: _Table, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise WideloadError(
        f"{what} is not a table in {where.file}",
        why=f"found {_shown(value)}",
        hint="write it as [functions.NAME] with keys below it",
    )


def _check_keys(content: dict[str, Any], where: _Table) -> None:
    for key in content:
        if key not in _FIELDS:
            raise where.unknown(key, list(_FIELDS))


def _typed(content: dict[str, Any], where: _Table) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for key, value in content.items():
        try:
            typed[key] = msgspec.convert(value, _FIELDS[key].type)
        except msgspec.ValidationError:
            raise where.refuse(key, value) from None
    return typed


def _check_values(config: FunctionConfig, where: _Table) -> None:
    if not re.fullmatch(r"\S{1,128}", config.handler):
        raise where.refuse("handler", config.handler)
    for key, chosen, allowed in (
        ("runtime", config.runtime, Target.known_runtimes()),
        ("architecture", config.architecture, tuple(Architecture)),
        ("strategy", config.strategy, ("auto", *Strategy)),
        ("slim", config.slim, _SLIM),
        ("bytecode", config.bytecode, _BYTECODE),
        ("docstrings", config.docstrings, _DOCSTRINGS),
        ("bundle_access", config.bundle_access, _BUNDLE_ACCESS),
        ("bundle_start", config.bundle_start, _BUNDLE_START),
    ):
        if chosen not in allowed:
            raise where.refuse(key, chosen)
    if not _is_preference(config.preferred):
        raise where.refuse("prefer", config.prefer)
    for key, value in (
        ("memory", config.memory),
        ("timeout", config.timeout),
        ("ephemeral", config.ephemeral),
    ):
        low, high = _RANGES[key]()
        if not low <= value <= high:
            raise where.refuse(key, value, f"{_ALLOWED[key][0]}, {low} to {high}")
    if len(config.description) > _DESCRIPTION:
        raise where.refuse("description", "", why=f"found {len(config.description)} characters")
    for key, size in (("max_unzipped", config.max_unzipped), ("max_zipped", config.max_zipped)):
        if size is not None and parse_size(size) is None:
            raise where.refuse(key, size)
    for host in config.network:
        if not _HOST.fullmatch(host):
            raise where.refuse("network", host)
    if config.build is not None and (
        not config.build.strip()
        or Target.parse(config.runtime, config.architecture).family is not Family.PROVIDED
    ):
        raise where.refuse("build", config.build, why=f"the runtime is {config.runtime}")
    _check_layers(config, where)
    _check_environment(config, where)
    _check_starts(config, where)
    _check_mounts(config, where)


def _is_preference(words: tuple[str, ...]) -> bool:
    """Whether each is known, and no question has two answers."""
    found = [sum(word in kind for word in words) for kind in (PREFER_VERSION, PREFER_MERIT)]
    return max(found) <= 1 and sum(found) == len(words)


def _check_starts(config: FunctionConfig, where: _Table) -> None:
    if config.provisioned_concurrency < 0:
        raise where.refuse("provisioned_concurrency", config.provisioned_concurrency)
    if not config.snap_start:
        return
    refusal = cold_starts.snap_start_refusal(
        config.runtime, config.ephemeral, provisioned=config.provisioned_concurrency > 0
    )
    if refusal:
        raise WideloadError(
            f"bad 'snap_start' in [{where.name}] of {where.file}",
            why=f"AWS would answer InvalidParameterValueException: {refusal}",
            hint="take snap_start out, or what it cannot be had with",
        )


def _check_mounts(config: FunctionConfig, where: _Table) -> None:
    for key, ids, pattern, most in (
        ("subnets", config.subnets, _SUBNET, _MOST_SUBNETS),
        ("security_groups", config.security_groups, _GROUP, _MOST_GROUPS),
    ):
        if len(ids) > most or len(set(ids)) != len(ids):
            raise where.refuse(key, "", why=f"found {len(ids)}, of which {len(set(ids))} differ")
        for one in ids:
            if not pattern.fullmatch(one):
                raise where.refuse(key, one)
    for key, value, pattern in (
        ("efs_access_point", config.efs_access_point, _EFS),
        ("s3_files_access_point", config.s3_files_access_point, _S3_FILES),
        ("mount_path", config.mount_path, _MOUNT_PATH),
        ("image_base", config.image_base, re.compile(r"\S+")),
        ("image_file", config.image_file, re.compile(r".+")),
    ):
        if value is not None and not pattern.fullmatch(value):
            raise where.refuse(key, value)


def _check_layers(config: FunctionConfig, where: _Table) -> None:
    broken = limits.check_layer_count(len(config.layers))
    if broken:
        raise where.refuse(
            "layers",
            "",
            why=f"found {len(config.layers)} layers, where AWS would answer {broken.aws_error}",
        )
    seen: set[str] = set()
    for arn in config.layers:
        match = _LAYER.fullmatch(arn)
        if not match:
            raise where.refuse("layers", arn)
        if match[1] in seen:
            raise where.refuse("layers", "", why=f"{match[1]} stands twice")
        seen.add(match[1])
    for place in config.split.values():
        if place != "function" and (isinstance(place, str) or place < 1):
            raise where.refuse("split", place)


def _check_environment(config: FunctionConfig, where: _Table) -> None:
    for name in config.environment:
        if name in limits.RESERVED_VARIABLES:
            raise where.refuse("environment", "", why=f"Lambda sets {name} itself")
        if name == BUNDLE_VARIABLE:
            raise where.refuse("environment", "", why=f"wideload sets {name} itself")
        if not _VARIABLE.fullmatch(name):
            raise where.refuse(
                "environment", name, "a name of two or more letters, digits and _, a letter first"
            )
    broken = limits.check_environment(config.environment)
    if broken:
        raise where.refuse(
            "environment",
            "",
            f"{broken.allowed} bytes in all",
            why=f"found {broken.actual} bytes of names and values as JSON",
        )


def parse_size(size: int | str) -> int | None:
    """Bytes of ``1000``, ``"180 MB"`` or ``"60 MiB"``; nothing where it is no size."""
    if isinstance(size, int):
        return size if size > 0 else None
    match = _SIZE.fullmatch(size.strip())
    return round(float(match[1]) * _UNITS[match[2].lower()]) if match else None


def _shown(value: object) -> str:
    """A value as a message shows it: short, with the type that TOML gave it."""
    if isinstance(value, dict):
        return "a table with " + (", ".join(list(value)[:_NAMES_SHOWN]) or "nothing")
    kinds: dict[type, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number with a point",
        str: "a string",
        list: "a list",
    }
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    text = text if len(text) <= 80 else text[:77] + "..."
    return f"{text} ({kinds.get(type(value), type(value).__name__)})"
