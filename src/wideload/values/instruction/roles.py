"""Steps on the role that a function runs with."""

from __future__ import annotations

import msgspec


class CreateRole(msgspec.Struct, frozen=True, tag="create-role", tag_field="do"):
    """Make the execution role."""

    role: str
    trust: str
    """JSON: who may assume it."""
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"create role {self.role}"


class SetTrust(msgspec.Struct, frozen=True, tag="set-trust", tag_field="do"):
    """Say who may assume the role."""

    role: str
    trust: str
    """JSON."""

    def describe(self) -> str:
        """One line for people."""
        return f"let lambda.amazonaws.com assume role {self.role}"


class PutRolePolicy(msgspec.Struct, frozen=True, tag="put-role-policy", tag_field="do"):
    """Say what the function may do."""

    role: str
    policy: str
    """Name of the inline policy."""
    document: str
    """JSON."""
    what: str
    """What it allows, in words."""

    def describe(self) -> str:
        """One line for people."""
        return f"allow role {self.role} to {self.what}, nothing else"


class DeleteRolePolicy(msgspec.Struct, frozen=True, tag="delete-role-policy", tag_field="do"):
    """Take away one inline policy of a role that stays."""

    role: str
    policy: str
    why: str = "which another region uses"

    def describe(self) -> str:
        """One line for people."""
        return f"delete policy {self.policy} of role {self.role}, {self.why}"


class DeleteRole(msgspec.Struct, frozen=True, tag="delete-role", tag_field="do"):
    """Take away the execution role with its policies."""

    role: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete role {self.role} with its policies"
