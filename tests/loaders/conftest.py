from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from loader_world import World
from provided_world import ProvidedWorld

from wideload.build.bundle.decompressor import decompressor_lock
from wideload.cache import Cache, default_root
from wideload.interpreters import find_interpreter
from wideload.resolve.credentials import Credentials
from wideload.resolve.http import Http
from wideload.resolve.resolver import fetch_all, resolve
from wideload.values.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from wideload.values.resolution import Wheel


@pytest.fixture(scope="session")
def zstd() -> Callable[[Target], tuple[Wheel, Path]]:
    """The wheel that brings zstd for a target, fetched once."""
    cache = Cache(default_root())
    known: dict[Target, tuple[Wheel, Path]] = {}

    def get(target: Target) -> tuple[Wheel, Path]:
        if target not in known:
            lock = decompressor_lock(target)
            assert lock is not None
            http = Http(Credentials([]))
            (wheel,) = resolve(lock, target, http, cache).wheels
            known[target] = wheel, fetch_all([wheel], http, cache)[wheel.sha256]
        return known[target]

    return get


@pytest.fixture(scope="session")
def make_world(
    zstd: Callable[[Target], tuple[Wheel, Path]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., World]:
    """Makes worlds for one of Lambda's Pythons."""
    cache = Cache(tmp_path_factory.mktemp("cache"))

    def make(root: Path, version: str = "3.13", **more: Any) -> World:
        target = Target.parse(f"python{version}", "x86_64")
        wheel, path = zstd(target)
        python = find_interpreter(version, default_root()).executable
        return World(root, target, python, wheel, path, cache, **more)

    return make


@pytest.fixture(scope="session")
def shared_world(
    make_world: Callable[..., World], tmp_path_factory: pytest.TempPathFactory
) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(shared_world: World) -> World:
    """A function, its bundle, and a /tmp in which nothing is yet."""
    shared_world.clear()
    return shared_world


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a certificate that vouches for itself, with its key, in one file."""

    def make(name: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / f"{name}.pem"
        path.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    return make


@pytest.fixture(scope="session")
def make_provided(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ProvidedWorld]:
    """Makes functions for a provided runtime, of given files."""
    cache = Cache(tmp_path_factory.mktemp("cache"))

    def make(root: Path, **more: Any) -> ProvidedWorld:
        return ProvidedWorld(root, cache, **more)

    return make


@pytest.fixture(scope="session")
def shared_provided(
    make_provided: Callable[..., ProvidedWorld], tmp_path_factory: pytest.TempPathFactory
) -> ProvidedWorld:
    return make_provided(tmp_path_factory.mktemp("provided"))


@pytest.fixture
def provided(shared_provided: ProvidedWorld) -> ProvidedWorld:
    """A function for a provided runtime, its bundle, and a /tmp in which nothing is yet."""
    shared_provided.clear()
    return shared_provided
