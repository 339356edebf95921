"""A file system that a function mounts: what is configured of it, and what would lie in it."""

from __future__ import annotations

import msgspec

MOUNT_PATH = "/mnt/wideload"
"""Where a file system is mounted if nothing else is said. Lambda wants ``/mnt/`` and one name
(LocalMountPath of botocore's model)."""


class Vpc(msgspec.Struct, frozen=True):
    """The network that a function is attached to; none where there are no subnets.

    Lambda takes at most 16 subnets and 5 security groups (VpcConfig of botocore's model).
    """

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


class Mounts(msgspec.Struct, frozen=True):
    """The access points that are configured. A function mounts one of them at most
    (FileSystemConfigList of botocore's model), by the strategy that is of its kind."""

    efs: str = ""
    """ARN of an access point of EFS."""
    s3_files: str = ""
    """ARN of an access point of S3 Files."""
    path: str = MOUNT_PATH


class MountEstimate(msgspec.Struct, frozen=True):
    """What a function weighs whose packages and big files lie in a mounted directory, before
    anything is packed. The directory holds the same files by ``efs`` and by ``s3-files``."""

    code_zipped: int
    """Bytes of the function's zip: its own files and what starts it."""
    code_unzipped: int
    bundled: int
    """Bytes of the one object that a directory of EFS is filled from. To S3 Files the files are
    uploaded as they are: `unzipped` bytes."""
    unzipped: int
    """Bytes of the files in the directory."""
    files: int
    """How many files lie in the directory; to each open and stat of one belongs a round trip."""
    efs_lacks: tuple[str, ...] = ()
    """Keys of the configuration that ``efs`` still needs; none where it can be deployed."""
    s3_files_lacks: tuple[str, ...] = ()
    """The same for ``s3-files``."""
    unfit: str = ""
    """Why a function of this kind cannot be started from a mounted directory; empty where it
    can."""


MOUNT_VARIABLE = "WIDELOAD_MOUNT"
"""Environment variable that names the directory which a version of a function mounts: `gc` keeps
what any version names."""

MOUNTED_HANDLER = "_wideload.mounted.handler"
"""What Lambda is told to call of a function whose packages are mounted. It becomes the function's
own handler."""

FILLER_ROLE = "filler"
FILLER_FILE = "filler.zip"
"""The code of the function that fills a directory of EFS."""
FILLER_HANDLER = "_wideload.filling.handler"

FILES_ROLE = "files"
FILES_FILE = "files.zip"
"""The files of a directory of S3 Files, which are uploaded one by one."""

TREE = "tree"
"""Folder of a directory of EFS that holds the files; beside it lies the marker of a directory
that is complete."""

DIRECT_READ_MEMORY = 512
"""MB of memory from which Lambda reads from S3 itself what lies in S3 Files (DirectS3Read of
botocore's model: with ``AUTO``, "for functions you configure with 512 MB or more of memory")."""

_DIGITS = 32


class Directory(msgspec.Struct, frozen=True):
    """The directory that a build's function mounts. What lies in it never changes: other files
    are another directory."""

    path: str
    """Where the file system is mounted, e.g. ``/mnt/wideload``."""
    name: str
    """Of the directory below that, made of the function's name and a digest of the files."""
    search: str
    """Absolute path of the folder with the packages, for PYTHONPATH."""

    @property
    def place(self) -> str:
        """Its absolute path."""
        return f"{self.path}/{self.name}"


def directory_name(function: str, sha256: str) -> str:
    """The directory of a function for files with this digest."""
    return f"{function}/{sha256[:_DIGITS]}"
