"""Files of a zip sent to a bucket one by one, to be seen as files by who mounts it."""

from __future__ import annotations

import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from wideload.deploy import artifacts
from wideload.errors import WideloadError
from wideload.values.instruction import UploadFiles
from wideload.values.mount import FILES_ROLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wideload.deploy.cloud import Storage
    from wideload.deploy.networking import Network
    from wideload.deploy.states import Identity
    from wideload.values.artifact import Manifest

_AT_ONCE = 16


def files(manifest: Manifest, identity: Identity, network: Network) -> UploadFiles:
    """How the files of a build's directory get to where the file system has them."""
    directory = manifest.mount
    if directory is None:
        raise AssertionError("the build has no directory")
    artifact = manifest.artifact(FILES_ROLE)
    bucket, _, prefix = network.objects.partition(":::")[2].partition("/")
    return UploadFiles(
        filename=artifact.filename,
        sha256=artifact.sha256,
        size=artifact.size,
        count=sum(file.artifact == FILES_ROLE for file in manifest.files),
        bucket=bucket,
        owner=identity.account,
        prefix=f"{prefix}{directory.name}/",
    )


def upload(
    storage: Storage, folder: Path, step: UploadFiles, sent: Callable[[int, int], None]
) -> int:
    """Send the files that lack; what is there under a digest's name is what belongs there.

    :param folder: holds the zip.
    :param sent: told of bytes that have gone, and of all.
    :return: bytes sent.
    :raises Refused: S3 refused.
    :raises WideloadError: the zip is not the one that was built.
    """
    path = folder / step.filename
    artifacts.check(path, step.sha256, step.size)
    there = set(storage.keys(step.bucket, step.prefix, step.owner))
    lock, done = threading.Lock(), 0
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise WideloadError(f"{path.name} is no zip", why=str(error), hint="build again") from error
    with archive, ThreadPoolExecutor(_AT_ONCE) as pool:
        lacking = [
            entry for entry in archive.infolist() if f"{step.prefix}{entry.filename}" not in there
        ]
        total = sum(entry.file_size for entry in lacking)

        def send(entry: zipfile.ZipInfo) -> None:
            nonlocal done
            with archive.open(entry) as stream:
                key = f"{step.prefix}{entry.filename}"
                storage.put(stream, entry.file_size, step.bucket, key, step.owner)
            with lock:
                done += entry.file_size
                sent(done, total)

        for _ in pool.map(send, lacking):
            pass
    return done
