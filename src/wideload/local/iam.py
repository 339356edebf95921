"""IAM as the other services see it: users' keys, and what roles and users may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from wideload.local.policies import Ask, Decision, allows_somewhere, decide, trusts_service
from wideload.local.principals import Key, Keyring, Principal

if TYPE_CHECKING:
    from wideload.local.control import Control

# The longest that Lambda keeps an execution environment's credentials.
_EXECUTION_SECONDS = 12 * 3600
_LAMBDA = "lambda.amazonaws.com"


class Identities:
    """What moto's IAM holds, read under its lock."""

    def __init__(self, control: Control) -> None:
        self._lock = control.lock

    def find(self, access_key: str) -> Key | None:
        """The active access key of a user; nothing where there is none."""
        with self._lock:
            for account, backends in list(iam_backends.items()):
                for user in backends["aws"].users.values():
                    for key in user.access_keys:
                        if key.access_key_id == access_key and key.status == "Active":
                            return Key(
                                id=access_key,
                                secret=key.secret_access_key,
                                principal=Principal(account, user.arn, user.id),
                            )
        return None

    def role(self, role_arn: str) -> Any | None:
        """moto's role of this ARN; nothing where there is none."""
        parts = role_arn.split(":")
        if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
            return None
        with self._lock:
            if parts[4] not in iam_backends:
                return None
            for role in iam_backends[parts[4]]["aws"].roles.values():
                if role.arn == role_arn:
                    return role
        return None

    def documents(self, principal: Principal) -> tuple[list[str], list[str]]:
        """The identity-based policies of a principal, and those that bound him."""
        with self._lock:
            bounds = [] if principal.policy is None else [principal.policy]
            if principal.role_arn is not None:
                role = self.role(principal.role_arn)
                if role is None:
                    return [], bounds
                if role.permissions_boundary_arn:
                    backend = iam_backends[principal.account]["aws"]
                    boundary = backend.managed_policies.get(role.permissions_boundary_arn)
                    bounds.append("{}" if boundary is None else _document(boundary))
                return _attached(role), bounds
            backend = iam_backends[principal.account]["aws"]
            user = next(
                (each for each in backend.users.values() if each.arn == principal.arn), None
            )
            if user is None:
                return [], bounds
            documents = _attached(user)
            for group in backend.groups.values():
                if user in group.users:
                    documents += _attached(group)
            return documents, bounds


def _attached(holder: Any) -> list[str]:
    return [*holder.policies.values(), *map(_document, holder.managed_policies.values())]


def _document(policy: Any) -> str:
    for version in policy.versions:
        if version.is_default:
            return str(version.document)
    return "{}"


class Authority:
    """Says whether a principal may. An account's root may all."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def decide(self, principal: Principal, ask: Ask) -> Decision:
        """What the principal's policies, and those that bound them, say together."""
        if principal.is_root:
            return Decision.ALLOWED
        documents, bounds = self._identities.documents(principal)
        verdicts = [decide(documents, ask), *(decide([bound], ask) for bound in bounds)]
        for verdict in (Decision.DENIED, Decision.SILENT):
            if verdict in verdicts:
                return verdict
        return Decision.ALLOWED

    def may_somewhere(self, principal: Principal, action: str) -> bool:
        """Whether the principal is allowed this action on anything at all."""
        if principal.is_root:
            return True
        documents, bounds = self._identities.documents(principal)
        return all(allows_somewhere(each, action) for each in (documents, *([b] for b in bounds)))


class ExecutionRoles:
    """The roles of functions; an implementation of `Roles`."""

    def __init__(self, identities: Identities, keyring: Keyring) -> None:
        self._identities = identities
        self._keyring = keyring

    def assumable_by_lambda(self, role_arn: str) -> bool | None:
        """Whether the role's trust policy lets lambda.amazonaws.com in; nothing: no such role."""
        role = self._identities.role(role_arn)
        if role is None:
            return None
        return trusts_service(str(role.assume_role_policy_document), _LAMBDA)

    def allows(self, role_arn: str, action: str, resource: str, context: dict[str, str]) -> bool:
        """Whether the role's policies, and what bounds them, allow an action."""
        role = self._identities.role(role_arn)
        if role is None:
            return False
        principal = session_principal(role_arn, role.id, "mount")
        ask = Ask(action, resource, context)
        return Authority(self._identities).decide(principal, ask) is Decision.ALLOWED

    def session(self, role_arn: str, session_name: str) -> dict[str, str]:
        """Credentials of a session of the role, as the environment variables of a function.

        :raises LookupError: there is no such role.
        """
        role = self._identities.role(role_arn)
        if role is None:
            raise LookupError(role_arn)
        key = self._keyring.session(
            session_principal(role_arn, role.id, session_name), _EXECUTION_SECONDS
        )
        return {
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_SESSION_TOKEN": key.token or "",
        }


def session_principal(
    role_arn: str, role_id: str, session_name: str, policy: str | None = None
) -> Principal:
    """The principal that a session of a role is."""
    account = role_arn.split(":")[4]
    name = role_arn.rsplit("/", 1)[-1]
    return Principal(
        account=account,
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        user_id=f"{role_id}:{session_name}",
        role_arn=role_arn,
        policy=policy,
    )
