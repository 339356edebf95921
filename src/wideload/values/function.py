"""A function as its user wrote it: folder, handler, target, settings, requirements."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from wideload.values.mount import Mounts, Vpc
from wideload.values.split import Place
from wideload.values.target import Target
from wideload.values.tree import FileTree


class Strategy(enum.StrEnum):
    """The closed set of ways to ship a function."""

    DIRECT_ZIP = "direct-zip"
    S3_ZIP = "s3-zip"
    LAYERS = "layers"
    S3_BOOTSTRAP = "s3-bootstrap"
    EFS = "efs"
    S3_FILES = "s3-files"
    IMAGE = "image"


Slim = Literal["runtime", "safe", "traced", "none"]
Bytecode = Literal["auto", "beside", "sourceless", "none"]
Docstrings = Literal["keep", "strip"]
Prefer = Literal["lock", "layer"]
"""Which version of a package counts where an attached layer carries another one than the
lock has."""

Merit = Literal["simple", "cold-start", "cheap"]
"""By what ways to ship are put into order: the fewest moving parts, the soonest first answer,
the least a month."""

BundleAccess = Literal["object", "prefix"]
"""What of its bucket a function that is started from a bundle may read: the ``object`` of each
of its versions, or all below the ``prefix`` of its bundles."""


BundleStart = Literal["all", "traced"]
"""What of a bundle is fetched at a cold start: ``all`` of it, or what a trace says is used; the
rest then comes when it is first wanted."""


class Settings(msgspec.Struct, frozen=True):
    """What Lambda is told of a function besides its code."""

    memory: int = 1024
    """MB."""
    timeout: int = 30
    """Seconds."""
    ephemeral: int = 512
    """MB of /tmp."""
    environment: dict[str, str] = {}
    layers: tuple[str, ...] = ()
    """ARNs of layer versions made by others, attached first; read from the configuration it
    may say ``latest`` for the number."""
    description: str = ""
    provisioned_concurrency: int = 0
    """How many environments of the version that serves are kept initialised."""
    snap_start: bool = False
    """Whether environments start from a snapshot that is taken when a version is published."""
    vpc: Vpc = Vpc()
    mounts: Mounts = Mounts()


class Budget(msgspec.Struct, frozen=True):
    """What the user lets the package weigh, in bytes; nothing is no limit of his."""

    max_unzipped: int | None = None
    max_zipped: int | None = None


class OpenRequirements(msgspec.Struct, frozen=True, tag="open"):
    """Requirements that are still to be resolved; uv reads the file itself."""

    path: str
    """Absolute path of a requirements.txt or a pyproject.toml."""
    kind: Literal["requirements", "pyproject"]
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


class LockedFile(msgspec.Struct, frozen=True):
    """One distribution file that a lock admits."""

    sha256: str
    """Hexadecimal. Empty where the lock gives no hash (a local path)."""
    filename: str = ""
    """Empty where the lock does not name its files (Pipfile.lock)."""
    url: str = ""
    """Empty where the lock does not say (poetry.lock); a path is relative to the lock."""
    size: int | None = None


class LockedPackage(msgspec.Struct, frozen=True):
    """One package of a lock, already filtered by marker for the target."""

    name: str
    """Normalised as PEP 503 says."""
    version: str
    files: tuple[LockedFile, ...]
    index: str = ""
    directory: str = ""
    """Absolute path of a local project or an editable; then there are no files."""
    requires: tuple[str, ...] = ()
    """Names of the packages that it depends on, where the lock says."""


class LockedRequirements(msgspec.Struct, frozen=True, tag="locked"):
    """Requirements out of a lock, obeyed to the letter."""

    path: str
    """Absolute path of the lock."""
    format: Literal["pylock", "uv.lock", "poetry.lock", "Pipfile.lock"]
    packages: tuple[LockedPackage, ...]
    roots: tuple[str, ...] = ()
    """Names that the user asked for himself, where the lock says."""


class NpmPackage(msgspec.Struct, frozen=True):
    """One package that a package-lock.json puts into node_modules for the target."""

    location: str
    """Where it lies, e.g. ``node_modules/@img/colour`` or ``node_modules/a/node_modules/b``."""
    name: str
    """As the registry has it; another than the folder's for an alias."""
    version: str
    resolved: str
    """URL of its tarball; empty where the lock leaves that to the registry."""
    integrity: str
    """As in Subresource Integrity, e.g. ``sha512-…``."""
    requires: tuple[str, ...] = ()
    """Locations of the packages that it finds for its dependencies."""
    optional: bool = False
    """Whether the function is said to do without it."""
    runs_script: bool = False
    """Whether it has something to run when it is installed."""

    @property
    def label(self) -> str:
        """Its location without the first ``node_modules/``: unique, and for one that lies at the
        top its name."""
        return self.location.removeprefix("node_modules/")


class NpmRequirements(msgspec.Struct, frozen=True, tag="npm"):
    """What a package-lock.json means for the target, without what only development needs."""

    path: str
    """Absolute path of the lock; package.json lies beside it."""
    packages: tuple[NpmPackage, ...]
    """Sorted by location."""
    roots: tuple[str, ...]
    """Locations of those that package.json asks for itself, sorted."""
    install_scripts: bool = False
    """Whether the packages' install scripts are run."""


class NoRequirements(msgspec.Struct, frozen=True, tag="none"):
    """The function says that it needs nothing: ``requirements = ""``."""


Requirements = OpenRequirements | LockedRequirements | NpmRequirements | NoRequirements


class Function(msgspec.Struct, frozen=True):
    """One function of a project, read from its configuration and its folder."""

    name: str
    root: str
    """Absolute path of the folder that holds wideload.toml (or pyproject.toml)."""
    source: str
    """Absolute path of the function's folder."""
    handler: str
    """``module.attribute``, as Lambda takes it; of a ready binary any word."""
    target: Target
    files: FileTree
    requirements: Requirements
    settings: Settings
    strategy: Strategy | Literal["auto"] = "auto"
    slim: Slim = "safe"
    """What slimming leaves out: what the ``runtime`` carries, that and all else that is
    ``safe`` to, that and what no ``traced`` event used, or ``none``."""
    bytecode: Bytecode = "auto"
    """How modules ship compiled where slimming is ``safe`` or ``traced``."""
    docstrings: Docstrings = "keep"
    """Whether compiled modules of packages keep their docstrings."""
    keep: tuple[str, ...] = ()
    """Patterns of paths that no rule of slimming touches."""
    allow_unloadable: tuple[str, ...] = ()
    """Patterns of paths of libraries that are packed though they cannot be loaded."""
    budget: Budget = Budget()
    split: dict[str, Place] = {}
    """By hand: where packages lie, if there are layers."""
    prefer: Prefer | None = None
    """Nothing: such a package is refused."""
    merit: Merit = "simple"
    """What ``auto`` looks at."""
    image_base: str = ""
    """Reference of the image that an image is built on; empty for AWS's own of the runtime."""
    image_file: str = ""
    """Absolute path of a Dockerfile that an engine makes the image of; empty where none does."""
    bundle_access: BundleAccess = "object"
    bundle_start: BundleStart = "all"
    network: tuple[str, ...] = ()
    """Hosts that the function may reach while it runs on this machine; ``*`` is all."""
