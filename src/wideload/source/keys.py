"""The keys of a function's table: their types, defaults, what they take and an example of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload import limits
from wideload.values.function import Strategy
from wideload.values.mount import MOUNT_PATH
from wideload.values.target import Architecture, Target

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SUBNETS, MOST_GROUPS = 16, 5
"""Of a VpcConfig, by botocore's model."""
MOST_DESCRIPTION = 256
"""Characters, by the same."""


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


_S3_FILES = (
    "arn:aws:s3files:eu-west-1:123456789012:file-system/fs-0123456789abcdef0/"
    "access-point/fsap-0123456789abcdef0"
)

# What a key takes, in words, and an example for the hint.
_STRINGS = "a list of strings"
SLIM = ("runtime", "safe", "traced", "none")
PREFER_VERSION = ("lock", "layer")
PREFER_MERIT = ("simple", "cold-start", "cheap")
BUNDLE_ACCESS = ("object", "prefix")
BUNDLE_START = ("all", "traced")
BYTECODE = ("auto", "beside", "sourceless", "none")
DOCSTRINGS = ("keep", "strip")
ALLOWED: dict[str, tuple[str, str]] = {
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
    "subnets": (f"a list of at most {MOST_SUBNETS} ids of subnets", '["subnet-0a1b2c3d"]'),
    "security_groups": (
        f"a list of at most {MOST_GROUPS} ids of security groups",
        '["sg-0a1b2c3d"]',
    ),
    "efs_access_point": (
        "the ARN of an access point of EFS",
        '"arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"',
    ),
    "s3_files_access_point": (
        "the ARN of an access point of S3 Files",
        f'"{_S3_FILES}"',
    ),
    "mount_path": ("/mnt/ and a name", '"/mnt/wideload"'),
    "image_base": ("the reference of an image", '"public.ecr.aws/lambda/python:3.13"'),
    "image_file": ("the path of a Dockerfile", '"Dockerfile"'),
    "split": (
        'a table of packages, each with the number of a layer or "function"',
        '{ numpy = 1, requests = "function" }',
    ),
    "bundle_access": (" or ".join(BUNDLE_ACCESS), '"object"'),
    "bundle_start": (" or ".join(BUNDLE_START), '"traced"'),
    "environment": ("a table of strings", '{ STAGE = "prod" }'),
    "network": ('a list of host names, without scheme or path, or "*"', '["example.com"]'),
    "description": (f"a string of at most {MOST_DESCRIPTION} characters", '""'),
    "include": (_STRINGS, '["data/*.bin"]'),
    "exclude": (_STRINGS, '["notebooks/"]'),
    "groups": (_STRINGS, '["job"]'),
    "extras": (_STRINGS, '["fast"]'),
    "tests": ("true or false", "false"),
    "slim": (" or ".join(SLIM), '"safe"'),
    "bytecode": (" or ".join(BYTECODE), '"auto"'),
    "docstrings": (" or ".join(DOCSTRINGS), '"keep"'),
    "keep": (_STRINGS, '["scipy/stats/tests/*"]'),
    "allow_unloadable": (_STRINGS, '["demo/plugins/*.so"]'),
    "max_unzipped": ("a number of bytes, or a size", '"180 MB"'),
    "max_zipped": ("a number of bytes, or a size", '"60 MB"'),
    "allow_secrets": ("a list of paths in the source folder", '["certs/public.pem"]'),
}
FIELDS = {field.name: field for field in msgspec.structs.fields(FunctionConfig)}
RANGES: dict[str, Callable[[], tuple[int, int]]] = {
    "memory": limits.memory_range,
    "timeout": limits.timeout_range,
    "ephemeral": limits.ephemeral_range,
}
