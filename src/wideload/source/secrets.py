"""The guard against packing a secret.

It goes by names that are kept for secrets, and by what small files hold: private keys and
pairs of AWS keys. It is a net for accidents, not a scanner: a secret in a file of another
kind passes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wideload.source.files import SourceFile

_LARGEST_READ = 1 << 20
"""Bytes. Keys are small; a bigger file is data."""

_KEY_FILES = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?")
_STORES = (".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk")
_LOGINS = frozenset(
    {".netrc", "_netrc", ".git-credentials", ".pgpass", ".htpasswd"}
    | {"credentials", "credentials.json", "credentials.csv"}
)
_SECRET_FOLDERS = frozenset({".aws", ".ssh", ".gnupg"})
# Shown to others on purpose, by convention.
_ENV_EXAMPLES = re.compile(r"\.env\.(example|sample|template|dist|defaults?)")
_TOKENS = {
    ".npmrc": re.compile(rb"^[^#;\n]*(_authToken|_auth|_password)\s*=\s*(?!\$\{)\S", re.M),
    ".pypirc": re.compile(rb"^\s*password\s*[=:]\s*\S", re.M),
}
# The line that opens a key, with key material behind it: code that only names the line is
# no key. Line ends may be written as \n within JSON or a string.
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:\s|\\r|\\n|\"|')*(?:(?:Proc-Type|DEK-Info|Version|Comment):[^\n]*\s+)*"
    rb"[A-Za-z0-9+/=]{20}"
)
_PUBLIC_PEM = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*(CERTIFICATE|PUBLIC KEY|PARAMETERS)")
_ANY_PRIVATE = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY")
_ACCESS_KEY = re.compile(rb"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")
_SECRET_KEY = re.compile(rb"(?<![A-Za-z0-9/+_-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_NEAR = 400
"""Bytes between an access key and its secret where they stand as a pair."""


def guard_secrets(files: Iterable[SourceFile], allowed: Iterable[str] = ()) -> None:
    """Stop where a file that would be packed looks like a secret.

    :param allowed: paths that are packed all the same.
    :raises WideloadError: naming every such file and what was seen in it.
    """
    passed = frozenset(allowed)
    found = [
        (file.path, reason)
        for file in files
        if file.path not in passed and (reason := _reason(file))
    ]
    if found:
        paths = ", ".join(f'"{path}"' for path, _ in found)
        raise WideloadError(
            f"{len(found)} file{'s' * (len(found) > 1)} that would be packed "
            f"look{'s' * (len(found) == 1)} like a secret",
            why="\n".join(f"{path}: {reason}" for path, reason in found),
            hint="leave it out in .wideloadignore and read it from Secrets Manager or the "
            f"environment, or say allow_secrets = [{paths}]",
        )


def _reason(file: SourceFile) -> str:
    # A link may give a secret another name.
    by_name = _reason_of_name(file.path) or _reason_of_name(Path(file.location).name)
    if by_name:
        return by_name
    if file.size > _LARGEST_READ:
        return ""
    try:
        data = Path(file.location).read_bytes()
    except OSError as error:
        raise WideloadError(
            f"cannot read {file.path}",
            why=error.strerror or str(error),
            hint="make it readable, or leave it out in .wideloadignore",
        ) from None
    return _reason_of_content(file.path.rpartition("/")[2].lower(), data)


def _reason_of_name(path: str) -> str:
    *folders, name = path.lower().split("/")
    secret_folder = _SECRET_FOLDERS.intersection(folders)
    if secret_folder:
        return f"{min(secret_folder)} holds credentials"
    if _KEY_FILES.fullmatch(name):
        return "a private SSH key, by its name"
    if name.endswith(_STORES):
        return "a store of keys, by its name"
    if name == ".env" or (name.startswith(".env.") and not _ENV_EXAMPLES.fullmatch(name)):
        return "settings that are not to be shared, by its name"
    return "logins or credentials, by its name" if name in _LOGINS else ""


def _reason_of_content(name: str, data: bytes) -> str:
    if _PRIVATE_KEY.search(data):
        return "a private key"
    if name.endswith((".pem", ".key")) and (
        _ANY_PRIVATE.search(data) or not _PUBLIC_PEM.search(data)
    ):
        return "a key, by its name, and no certificate or public key is in it"
    token = _TOKENS.get(name)
    if token and token.search(data):
        return "a token or password for a package index"
    for access in _ACCESS_KEY.finditer(data):
        around = data[max(0, access.start() - _NEAR) : access.end() + _NEAR]
        if access[0].endswith(b"EXAMPLE"):
            continue
        if _SECRET_KEY.search(around):
            return f"an AWS access key ({access[0].decode()[:8]}...) with its secret"
    return ""
