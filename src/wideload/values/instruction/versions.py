"""Steps on published versions, and on who gets to call them."""

from __future__ import annotations

import msgspec

LIVE_ALIAS = "live"
"""The alias that callers use and that a deployment moves last."""


class WaitUntilReady(msgspec.Struct, frozen=True, tag="wait-until-ready", tag_field="do"):
    """Wait until Lambda has carried out what it was told."""

    function: str
    version: str | None
    """``$LATEST``, a number, or nothing for the version just published."""

    def describe(self) -> str:
        """One line for people."""
        if self.version == "$LATEST":
            return f"wait until function {self.function} is ready"
        return f"wait until {_version(self.version)} of {self.function} is ready"


class PublishVersion(msgspec.Struct, frozen=True, tag="publish-version", tag_field="do"):
    """Freeze code and settings under a number."""

    function: str
    code_sha256: str
    """Base64, as Lambda writes it; Lambda refuses when the code is another by then."""
    description: str

    def describe(self) -> str:
        """One line for people."""
        return f"publish a new version of {self.function}"


class SmokeTest(msgspec.Struct, frozen=True, tag="smoke-test", tag_field="do"):
    """Invoke the new version by its number, and stop unless it answers well."""

    function: str
    version: str | None
    """A number, or nothing for the version just published."""
    event: str
    """JSON."""
    expected: str | None
    """JSON that the answer must equal; nothing: any answer that is not an error."""

    def describe(self) -> str:
        """One line for people."""
        which = _version(self.version)
        end = "" if self.expected is None else " and compare its answer"
        return f"invoke {which} of {self.function} once{end}"


class CreateAlias(msgspec.Struct, frozen=True, tag="create-alias", tag_field="do"):
    """Let callers in, and note on the alias that this version served."""

    function: str
    alias: str
    version: str | None
    """A number, or nothing for the version just published."""

    def describe(self) -> str:
        """One line for people."""
        return f"point new alias {self.alias} of {self.function} at {_version(self.version)}"


class UpdateAlias(msgspec.Struct, frozen=True, tag="update-alias", tag_field="do"):
    """Move callers to another version, all at once, and note on the alias what served."""

    function: str
    alias: str
    version: str | None
    """A number, or nothing for the version just published."""
    before: str
    """The version that serves until then."""
    revision: str
    """The alias's RevisionId: Lambda refuses when somebody moved it since."""
    served: tuple[str, ...] = ()
    """The versions that served until then, as far as they are noted, oldest first."""

    def describe(self) -> str:
        """One line for people."""
        return (
            f"move alias {self.alias} of {self.function} from version {self.before} "
            f"to {_version(self.version)}"
        )


class ProvisionConcurrency(
    msgspec.Struct, frozen=True, tag="provision-concurrency", tag_field="do"
):
    """Have environments of a version initialised before anybody calls them."""

    function: str
    version: str | None
    """A number, or nothing for the version just published."""
    count: int
    memory: int
    """MB of each environment, which are billed while they are kept."""

    def describe(self) -> str:
        """One line for people."""
        return (
            f"keep {_environments(self.count)} of {_version(self.version)} of {self.function} "
            f"initialised ({self.count * self.memory:,} MB, billed while kept)"
        )


class WaitUntilProvisioned(
    msgspec.Struct, frozen=True, tag="wait-until-provisioned", tag_field="do"
):
    """Wait until as many environments as asked for are initialised."""

    function: str
    version: str | None
    """A number, or nothing for the version just published."""

    def describe(self) -> str:
        """One line for people."""
        return f"wait until they are, for {_version(self.version)} of {self.function}"


class ReleaseConcurrency(msgspec.Struct, frozen=True, tag="release-concurrency", tag_field="do"):
    """Keep no environments of a version initialised any more."""

    function: str
    version: str
    """A number."""
    count: int
    """How many were kept."""
    why: str = ""

    def describe(self) -> str:
        """One line for people."""
        line = (
            f"keep {_environments(self.count)} of version {self.version} of {self.function} "
            "initialised no longer"
        )
        return f"{line}, {self.why}" if self.why else line


class DeleteAlias(msgspec.Struct, frozen=True, tag="delete-alias", tag_field="do"):
    """Let no caller in any more."""

    function: str
    alias: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete alias {self.alias} of {self.function}"


class Smoke(msgspec.Struct, frozen=True):
    """What a new version has to pass before callers get to it."""

    event: str
    """JSON."""
    expected: str | None = None
    """JSON that the answer must equal; nothing: any answer that is not an error."""


def _environments(count: int) -> str:
    return "1 environment" if count == 1 else f"{count} environments"


def _version(number: str | None) -> str:
    return "the new version" if number is None else f"version {number}"
