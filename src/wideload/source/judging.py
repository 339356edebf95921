"""Whether the values of a function's table are what their keys take."""

from __future__ import annotations

import re

import msgspec

from wideload import cold_starts, limits
from wideload.errors import WideloadError
from wideload.source.keys import (
    ALLOWED,
    BUNDLE_ACCESS,
    BUNDLE_START,
    BYTECODE,
    DOCSTRINGS,
    MOST_DESCRIPTION,
    MOST_GROUPS,
    MOST_SUBNETS,
    PREFER_MERIT,
    PREFER_VERSION,
    RANGES,
    SLIM,
    FunctionConfig,
)
from wideload.source.nearest import nearest
from wideload.source.size import parse_size
from wideload.values.bundle import BUNDLE_VARIABLE
from wideload.values.function import Strategy
from wideload.values.target import Architecture, Family, Target

# The patterns are botocore's: LayerVersionArn, Handler, EnvironmentVariableName.
_LAYER = re.compile(
    r"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9_-]{1,140}):([0-9]+|latest)"
)
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_HOST = re.compile(
    r"\*|(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?|\[[0-9a-fA-F:]+\]"
)
# LocalMountPath, the two kinds of FileSystemArn, and members of VpcConfig.
_MOUNT_PATH = re.compile(r"/mnt/[a-zA-Z0-9-_.]+")
_EFS = re.compile(
    r"arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z0-9-]+:\d{12}:access-point/fsap-[a-f0-9]{17}"
)
_S3_FILES = re.compile(
    r"arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/"
    r"access-point/fsap-[0-9a-f]{17,40}"
)
_SUBNET, _GROUP = re.compile(r"subnet-[0-9a-z]+"), re.compile(r"sg-[0-9a-zA-Z]+")
_NAMES_SHOWN = 8


class Table(msgspec.Struct, frozen=True):
    """Where a value stands, for the messages about it."""

    file: str
    name: str

    def refuse(self, key: str, found: object, allowed: str = "", why: str = "") -> WideloadError:
        """The error for a value that is not allowed."""
        known, example = ALLOWED[key]
        return WideloadError(
            f"bad {key!r} in [{self.name}] of {self.file}",
            why=f"{why or f'found {shown(found)}'}; allowed is {allowed or known}",
            hint=f"for instance {key} = {example}",
        )

    def unknown(self, key: str, known: list[str], kind: str = "key") -> WideloadError:
        """The error for a key that is not known."""
        guess = nearest(key, known)
        where = f"[{self.name}] of {self.file}" if self.name else self.file
        return WideloadError(
            f"unknown {kind} {key!r} in {where}",
            why=f"known are {', '.join(known)}",
            hint=f"did you mean {guess!r}?" if guess else f"remove {key!r}",
        )


def check_values(config: FunctionConfig, where: Table) -> None:
    """Each value by itself, and those that go together.

    :raises WideloadError: one is not allowed.
    """
    if not re.fullmatch(r"\S{1,128}", config.handler):
        raise where.refuse("handler", config.handler)
    for key, chosen, allowed in (
        ("runtime", config.runtime, Target.known_runtimes()),
        ("architecture", config.architecture, tuple(Architecture)),
        ("strategy", config.strategy, ("auto", *Strategy)),
        ("slim", config.slim, SLIM),
        ("bytecode", config.bytecode, BYTECODE),
        ("docstrings", config.docstrings, DOCSTRINGS),
        ("bundle_access", config.bundle_access, BUNDLE_ACCESS),
        ("bundle_start", config.bundle_start, BUNDLE_START),
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
        low, high = RANGES[key]()
        if not low <= value <= high:
            raise where.refuse(key, value, f"{ALLOWED[key][0]}, {low} to {high}")
    if len(config.description) > MOST_DESCRIPTION:
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


def _check_starts(config: FunctionConfig, where: Table) -> None:
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


def _check_mounts(config: FunctionConfig, where: Table) -> None:
    for key, ids, pattern, most in (
        ("subnets", config.subnets, _SUBNET, MOST_SUBNETS),
        ("security_groups", config.security_groups, _GROUP, MOST_GROUPS),
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


def _check_layers(config: FunctionConfig, where: Table) -> None:
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


def _check_environment(config: FunctionConfig, where: Table) -> None:
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


def shown(value: object) -> str:
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
