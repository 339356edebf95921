from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from source_projects import refuses, write_file

from wideload.source.files import SourceFile, list_files
from wideload.source.ignore import Rules
from wideload.source.secrets import guard_secrets

if TYPE_CHECKING:
    from pathlib import Path

# Written in pieces, so that scanners of repositories do not take them for real.
_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" + "\n" + "BKcwggSjAgEAAoIBAQC7"
_PRIVATE = f"-----BEGIN {'PRIVATE'} KEY-----\n{_BODY}\n-----END {'PRIVATE'} KEY-----\n"
_CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{_BODY}\n-----END CERTIFICATE-----\n"
_PUBLIC = f"-----BEGIN PUBLIC KEY-----\n{_BODY}\n-----END PUBLIC KEY-----\n"
_ACCESS, _SECRET = "AKIA" + "Z7QK2M4N6P5R3T2V", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzQ9mKq2Lw8"


def _guard(folder: Path, *allowed: str) -> None:
    guard_secrets(list_files(folder, Rules()), allowed)


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        (".env", "A=1", "settings"),
        ("conf/.env.production", "A=1", "settings"),
        ("server.pem", _PRIVATE, "a private key"),
        ("both.pem", _CERTIFICATE + _PRIVATE, "a private key"),
        ("odd.pem", "garbage", "no certificate or public key"),
        ("tls.key", "\x00\x01", "no certificate or public key"),
        ("id_rsa", "x", "SSH key"),
        (".ssh/known_hosts", "x", ".ssh holds credentials"),
        ("deploy/id_ed25519", "x", "SSH key"),
        ("credentials", "x", "credentials"),
        ("Credentials.JSON", "{}", "credentials"),
        (".aws/config", "x", ".aws holds credentials"),
        ("store.p12", "x", "store of keys"),
        ("store.PFX", "x", "store of keys"),
        ("store.jks", "x", "store of keys"),
        (".netrc", "x", "logins"),
        (".npmrc", "//registry.example/:_authToken=abc", "a token or password"),
        (".pypirc", "[main]\npassword = abc", "a token or password"),
        ("account.json", json.dumps({"type": "x", "private_key": _PRIVATE}), "a private key"),
        ("settings.py", f'K = "{_ACCESS}"\nS = "{_SECRET}"\n', "access key (AKIAZ7QK...)"),
        ("config.ini", f"id={_ACCESS.replace('AKIA', 'ASIA')}\nsecret={_SECRET}", "access key"),
        ("key.txt", _PRIVATE.replace("BEGIN ", "BEGIN OPENSSH "), "a private key"),
        (
            "old.txt",
            _PRIVATE.replace("-----\nMII", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,B\n\nMII"),
            "a private key",
        ),
        ("windows.txt", _PRIVATE.replace("\n", "\r\n"), "a private key"),
    ],
)
def test_what_stops(tmp_path: Path, path: str, content: str, reason: str) -> None:
    write_file(tmp_path, path, content)
    with refuses("1 file that would be packed looks like a secret", f"{path}: ", path):
        _guard(tmp_path)
    with refuses("1 file", reason, f'allow_secrets = ["{path}"]'):
        _guard(tmp_path)
    _guard(tmp_path, path)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("cacert.pem", _CERTIFICATE * 3),
        ("public.pem", _PUBLIC),
        ("public.key", _PUBLIC),
        ("id_rsa.pub", "ssh-rsa AAAA"),
        (".env.example", "A="),
        ("credentials.py", "def load(): ..."),
        ("environment.env.py", ""),
        (".npmrc", "//registry.example/:_authToken=${TOKEN}\n; _auth=x"),
        (".pypirc", "[main]\nusername = abc"),
        ("check.py", f"if '-----BEGIN {'PRIVATE'} KEY-----' in text:\n    raise ValueError\n"),
        ("keys.py", f'K = "{_ACCESS}"  # the secret is read elsewhere\n'),
        ("docs.md", f"AKIAIOSFODNN7EXAMPLE and {_SECRET}"),
        ("hash.txt", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("key_of_map.json", "{}"),
    ],
)
def test_what_passes(tmp_path: Path, path: str, content: str) -> None:
    write_file(tmp_path, path, content)
    _guard(tmp_path)


def test_all_are_named_at_once(tmp_path: Path) -> None:
    for path in (".env", "a/.env", "b.p12"):
        write_file(tmp_path, path)
    with refuses("2 files that would be packed look like", ".env: ", '[".env", "b.p12"]'):
        _guard(tmp_path, "a/.env")


def test_what_is_left_out_does_not_stop(tmp_path: Path) -> None:
    write_file(tmp_path, ".env")
    guard_secrets(list_files(tmp_path, Rules(ignore=[".env"])))


def test_a_link_to_a_secret_stops(tmp_path: Path) -> None:
    write_file(tmp_path, ".env")
    (tmp_path / "settings.txt").symlink_to(".env")
    with refuses("1 file", "settings.txt: settings", '["settings.txt"]'):
        guard_secrets(list_files(tmp_path, Rules(ignore=[".env"])))


def test_big_files_are_not_searched(tmp_path: Path) -> None:
    write_file(tmp_path, "data.bin", _PRIVATE.encode() + bytes(1 << 20))
    _guard(tmp_path)


def test_a_file_that_cannot_be_read() -> None:
    with refuses("cannot read mem", "Input/output error", "make it readable"):
        guard_secrets([SourceFile("mem", "/proc/self/mem", 10, False)])
