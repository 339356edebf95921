"""Instructions carried out, one after the other; each may be carried out twice."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import artifacts, desired, filling, smoke, uploading, waiting
from wideload.deploy.cloud import Refused
from wideload.deploy.deletions import delete
from wideload.deploy.once import Once
from wideload.deploy.progress import Silent
from wideload.deploy.refusals import ALREADY_THERE, NOT_FOUND, told
from wideload.deploy.states import ImageAt, ObjectState
from wideload.deploy.weaving import Weaving
from wideload.errors import WideloadError
from wideload.values import instruction as do

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.deploy.cloud import Cloud
    from wideload.deploy.progress import Progress
    from wideload.deploy.states import Package
    from wideload.values.instruction import Instruction

_NO_SUCH_ROLE_YET = ("cannot be assumed by Lambda", "does not have permissions to call")
"""Of Lambda's messages while IAM's news of a role, or of what it may, has not reached it."""
_PAUSE = 1.0
"""Seconds. A request that carries 50 MB of code is not sent again every moment."""


class Execution(msgspec.Struct, frozen=True):
    """What came of carrying instructions out."""

    published: str | None
    """The version that was published."""
    uploaded_bytes: int


def execute(
    instructions: tuple[Instruction, ...],
    cloud: Cloud,
    folder: Path | None = None,
    *,
    progress: Progress | None = None,
    clock: waiting.Clock | None = None,
    once: Once | None = None,
) -> Execution:
    """Carry the instructions out in their order; stops at the first that fails.

    :param folder: holds the artifacts, where there are any to send.
    :param once: the same for all deployments that run at once and may share layers.
    :raises WideloadError: AWS refused, Lambda failed to become ready, an artifact is not the
        one that was built, or the new version failed its smoke test. What served before
        goes on serving, and computing and executing again goes on from there.
    """
    progress = progress or Silent()
    run = _Run(cloud, folder or Path(), progress, clock or waiting.SystemClock(), once or Once())
    for index, instruction in enumerate(instructions):
        progress.started(index, len(instructions), instruction)
        try:
            run.carry_out(instruction)
        except Refused as refused:
            raise told(instruction.describe(), refused) from refused
        progress.finished(index, len(instructions), instruction)
    return Execution(run.published, run.uploaded_bytes)


class _Run:
    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        progress: Progress,
        clock: waiting.Clock,
        once: Once,
    ) -> None:
        self._cloud = cloud
        self._roles = cloud.roles
        self._storage = cloud.storage
        self._functions = cloud.functions
        self._layers = cloud.layers
        self._images = cloud.images
        self._concurrency = cloud.concurrency
        self._logs = cloud.logs
        self._folder = folder
        self._progress = progress
        self._clock = clock
        self._once = once
        self._weaving = Weaving(cloud)
        self._layer_versions: dict[str, str] = {}
        """The ARN of a version by the ARN of the layer."""
        self.published: str | None = None
        self.uploaded_bytes = 0

    def carry_out(self, step: Instruction) -> None:  # noqa: PLR0912, PLR0915
        match step:
            case do.CreateRole():
                self._create_role(step)
            case do.SetTrust():
                self._roles.set_trust(step.role, step.trust)
            case do.PutRolePolicy():
                self._roles.put_policy(step.role, step.policy, self._weaving.real(step.document))
            case do.CreateLogGroup():
                _unless(ALREADY_THERE, lambda: self._logs.create(step.group))
            case do.SetRetention():
                self._logs.set_retention(step.group, step.days)
            case do.CreateBucket():
                _unless(
                    ALREADY_THERE, lambda: self._storage.create_bucket(step.bucket, step.region)
                )
            case do.SecureBucket():
                self._storage.secure_bucket(step.bucket, step.owner)
            case do.UploadObject():
                self._upload(step)
            case do.CreateRepository():
                _unless(ALREADY_THERE, lambda: self._images.create(step.repository, step.tags))
            case do.SetRepositoryPolicy():
                self._images.set_policy(step.repository, step.document)
            case do.PushImage():
                self._push(step)
            case do.PublishLayer():
                self._publish_layer(step)
            case do.CreateFunction():
                self._create_function(step)
            case do.TagFunction():
                self._functions.tag(step.arn, step.tags)
            case do.UpdateCode():
                self._update_code(step)
            case do.UpdateConfiguration():
                wanted = self._real(step.configuration)
                self._patiently(
                    step.function,
                    lambda: self._functions.update_configuration(
                        step.function, wanted, unmount=step.unmount
                    ),
                )
            case do.WaitUntilReady():
                self._wait(step.function, self._number(step.version))
            case do.PublishVersion():
                self._publish(step)
            case do.SmokeTest():
                self._smoke(step)
            case do.CreateAlias():
                self._create_alias(step)
            case do.UpdateAlias():
                self._update_alias(step)
            case do.ProvisionConcurrency():
                version = self._number(step.version)
                self._concurrency.put(step.function, version, step.count)
            case do.WaitUntilProvisioned():
                self._wait_until_provisioned(step)
            case do.ReleaseConcurrency():
                _unless(NOT_FOUND, lambda: self._concurrency.delete(step.function, step.version))
            case (
                do.DeleteAlias()
                | do.DeleteFunction()
                | do.DeleteObjects()
                | do.DeleteLayerVersion()
                | do.DeleteImages()
                | do.DeleteRepository()
                | do.DeleteBucket()
                | do.DeleteLogGroup()
                | do.DeleteRolePolicy()
                | do.DeleteRole()
            ):
                _unless(NOT_FOUND, lambda: delete(self._cloud, step))
            case do.VersionBucket():
                self._storage.keep_versions(step.bucket, step.owner)
            case do.UploadFiles():
                sent = uploading.upload(self._storage, self._folder, step, self._progress.sent)
                self.uploaded_bytes += sent
            case do.FillDirectory():
                filling.fill(self._functions, step, self._clock)
            case do.SweepDirectories():
                filling.sweep(self._functions, step, self._clock)
            case _:
                self._weaving.carry_out(step)

    def _number(self, version: str | None) -> str:
        number = version or self.published
        if number is None:
            raise AssertionError("an instruction needs a version that none before it published")
        return number

    def _wait(self, function: str, version: str) -> None:
        waiting.until_ready(self._functions, function, version, self._clock, self._progress.waited)

    def _patiently(self, function: str, act: Callable[[], None]) -> None:
        """Sit out an update by somebody else, and IAM's news travelling to Lambda."""
        for is_last in waiting.attempts(
            self._clock, waiting.ROLE_SECONDS, first=_PAUSE, longest=10.0
        ):
            try:
                return act()
            except Refused as refused:
                if is_last:
                    raise
                if _is_conflict(refused):
                    self._wait(function, desired.LATEST)
                elif not any(words in refused.message for words in _NO_SUCH_ROLE_YET):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _create_role(self, step: do.CreateRole) -> None:
        try:
            self._roles.create(step.role, step.trust, step.tags)
        except Refused as refused:
            if refused.code not in ALREADY_THERE:
                raise
            # Sent twice by a retry, or made meanwhile: then only if it is ours.
            there = self._roles.find(step.role)
            if there is None or not step.tags.keys() <= there.tags.keys():
                raise
            self._roles.set_trust(step.role, step.trust)

    def _upload(self, step: do.UploadObject) -> None:
        if not step.shared:
            self._send(step)
            return
        with self._once.of(f"{step.bucket}/{step.key}"):
            there = self._storage.find_object(step.bucket, step.key, step.owner)
            if there != ObjectState(step.size, step.sha256):
                self._send(step)

    def _send(self, step: do.UploadObject) -> None:
        path = self._folder / step.filename
        artifacts.check(path, step.sha256, step.size)
        lock = threading.Lock()
        done = 0

        def sent(more: int) -> None:
            nonlocal done
            with lock:
                done += more
                self._progress.sent(done, step.size)

        self._storage.upload(
            path, step.bucket, step.key, sha256=step.sha256, owner=step.owner, sent=sent
        )
        self.uploaded_bytes += step.size

    def _push(self, step: do.PushImage) -> None:
        done = 0

        def sent(more: int) -> None:
            nonlocal done
            done += more
            self._progress.sent(done, step.size)

        layout = self._folder / step.folder
        self.uploaded_bytes += self._images.push(
            step.repository, layout, step.sha256, step.tag, sent
        )

    def _publish_layer(self, step: do.PublishLayer) -> None:
        name = step.layer.rpartition(":")[2]
        digest = desired.base64_of(step.code.sha256)
        with self._once.of(step.layer):
            there = self._layers.find(name, digest)
            self._layer_versions[step.layer] = (
                there[-1]
                if there
                else self._layers.publish(
                    name, step.code, step.description, step.runtime, step.architecture
                )
            )

    def _real(self, configuration: do.Configuration) -> do.Configuration:
        """With the versions of layers that were published only now, and the network likewise."""
        layers = tuple(self._layer_versions.get(arn, arn) for arn in configuration.layers)
        return self._weaving.configured(msgspec.structs.replace(configuration, layers=layers))

    def _code(self, code: do.Code) -> Package:
        if isinstance(code, do.StoredCode):
            return code
        if isinstance(code, do.ImageCode):
            there = self._images.find(code.repository)
            if there is None:
                raise AssertionError("an instruction names an image whose repository is not there")
            return ImageAt(f"{there.uri}@sha256:{code.sha256}")
        path = self._folder / code.filename
        artifacts.check(path, code.sha256, code.size)
        return path.read_bytes()

    def _sent_inline(self, code: do.Code) -> None:
        if isinstance(code, do.InlineCode):
            self.uploaded_bytes += code.size
            self._progress.sent(code.size, code.size)

    def _create_function(self, step: do.CreateFunction) -> None:
        code = self._code(step.code)
        wanted = self._real(step.configuration)

        def create() -> None:
            try:
                self._functions.create(step.function, code, step.architecture, wanted, step.tags)
            except Refused as refused:
                if refused.code not in ALREADY_THERE or not self._is_made(step, wanted):
                    raise

        self._patiently(step.function, create)
        self._sent_inline(step.code)

    def _is_made(self, step: do.CreateFunction, wanted: do.Configuration) -> bool:
        """Whether the function that is in the way is the very one, from a request sent twice."""
        there = self._functions.find(step.function)
        return (
            there is not None
            and there.tags == step.tags
            and there.latest.configuration == wanted
            and there.latest.code_sha256 == _lambda_digest(step.code)
        )

    def _update_code(self, step: do.UpdateCode) -> None:
        code = self._code(step.code)
        self._patiently(
            step.function,
            lambda: self._functions.update_code(step.function, code, step.architecture),
        )
        self._sent_inline(step.code)

    def _publish(self, step: do.PublishVersion) -> None:
        def publish() -> None:
            version = self._functions.publish(step.function, step.code_sha256, step.description)
            self.published = version.version

        self._patiently(step.function, publish)

    def _smoke(self, step: do.SmokeTest) -> None:
        """Invoke once; again while IAM's news of what the role may read travels."""
        version = self._number(step.version)
        for is_last in waiting.attempts(
            self._clock, waiting.ROLE_SECONDS, first=_PAUSE, longest=10.0
        ):
            try:
                smoke.check(self._functions, step.function, version, step.event, step.expected)
            except smoke.MayNotRead:
                if is_last:
                    raise
            else:
                return

    def _wait_until_provisioned(self, step: do.WaitUntilProvisioned) -> None:
        version = self._number(step.version)
        try:
            waiting.until_provisioned(
                self._concurrency, step.function, version, self._clock, self._progress.waited
            )
        except WideloadError:
            # Nobody is to pay for environments that no caller gets to.
            if step.version is None:
                with contextlib.suppress(Refused):
                    self._concurrency.delete(step.function, version)
            raise

    def _create_alias(self, step: do.CreateAlias) -> None:
        version = self._number(step.version)
        try:
            self._functions.create_alias(step.function, step.alias, version)
        except Refused as refused:
            if refused.code not in ALREADY_THERE or not self._stands_at(step, version):
                raise

    def _update_alias(self, step: do.UpdateAlias) -> None:
        version = self._number(step.version)
        try:
            self._functions.update_alias(
                step.function, step.alias, version, step.revision, step.served
            )
        except Refused as refused:
            is_stale = refused.code == "PreconditionFailedException"
            if not is_stale or not self._stands_at(step, version):
                raise

    def _stands_at(self, step: do.CreateAlias | do.UpdateAlias, version: str) -> bool:
        """Whether the alias is as wished, from a request sent twice."""
        there = self._functions.find_alias(step.function, step.alias)
        return there is not None and there.version == version and not there.is_weighted


def _lambda_digest(code: do.Code) -> str:
    if isinstance(code, do.ImageCode):
        return code.sha256
    return desired.base64_of(code.sha256)


def _unless(codes: frozenset[str], act: Callable[[], None]) -> None:
    try:
        act()
    except Refused as refused:
        if refused.code not in codes:
            raise


def _is_conflict(refused: Refused) -> bool:
    return (
        refused.code == "ResourceConflictException"
        and "cannot be performed at this time" in refused.message
    )
