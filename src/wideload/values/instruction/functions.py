"""Steps on a function that is not published yet."""

from __future__ import annotations

import msgspec

from wideload.values.instruction.code import Code, Configuration, told_of
from wideload.values.target import Architecture


class CreateFunction(msgspec.Struct, frozen=True, tag="create-function", tag_field="do"):
    """Make the function."""

    function: str
    code: Code
    architecture: Architecture
    configuration: Configuration
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return (
            f"create function {self.function} ({self.configuration.runtime or 'image'}, "
            f"{self.architecture}, {self.configuration.memory} MB) {told_of(self.code)}"
        )


class TagFunction(msgspec.Struct, frozen=True, tag="tag-function", tag_field="do"):
    """Note on the function what made it."""

    function: str
    arn: str
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        tags = ", ".join(f"{key}={value}" for key, value in sorted(self.tags.items()))
        return f"tag function {self.function} with {tags}"


class UpdateCode(msgspec.Struct, frozen=True, tag="update-code", tag_field="do"):
    """Replace the code of the unpublished function."""

    function: str
    code: Code
    architecture: Architecture

    def describe(self) -> str:
        """One line for people."""
        return f"update code of {self.function} ({self.architecture}) {told_of(self.code)}"


class UpdateConfiguration(msgspec.Struct, frozen=True, tag="update-configuration", tag_field="do"):
    """Replace the settings of the unpublished function."""

    function: str
    configuration: Configuration
    changes: tuple[str, ...]
    """What differs, in words; values of environment variables are never among them."""
    unmount: bool = False
    """Whether it has a mount of wideload's that is to go."""

    def describe(self) -> str:
        """One line for people."""
        return f"update configuration of {self.function}: {'; '.join(self.changes)}"


class DeleteFunction(msgspec.Struct, frozen=True, tag="delete-function", tag_field="do"):
    """Take away the function with all its versions."""

    function: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete function {self.function} with all its versions"
