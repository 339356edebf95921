"""Packages of npm's: weighed without a download, installed by npm, kept as archives."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm_registry import Package, Registry, package
from wideload.errors import WideloadError
from wideload.nodejs import Node
from wideload.resolve.http import Http
from wideload.resolve.npm import install_npm, resolve_npm
from wideload.resolve.npm_config import LOGIN, PUBLIC_REGISTRY, NpmConfig
from wideload.source.npm_lock import read_npm_lock
from wideload.values.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.cache import Cache
    from wideload.values.function import NpmRequirements
    from wideload.values.resolution import Resolution

X64 = Target.parse("nodejs22.x", "x86_64")
GREET = package(
    "greet",
    {"index.js": "exports.greet = () => 1;\n", "bin/greet": "#!/usr/bin/env node\n"},
    executable=("bin/greet",),
    bin={"greet": "bin/greet"},
    dependencies={"@s/words": "^1"},
)
WORDS = package("@s/words", {"index.js": "x" * 50_000})
OLD_WORDS = package("@s/words", {"index.js": "y" * 9_000}, version="0.9.0")
LOUD = package("loud", dependencies={"@s/words": "^0.9"})
GLIBC = package("fast-glibc", {"fast.node": "z" * 4_000}, libc=["glibc"], os=["linux"])
MUSL = package("fast-musl", {"fast.node": "w" * 4_000}, libc=["musl"], os=["linux"])
TREE = {"greet": GREET, "@s/words": WORDS, "loud": LOUD, "loud/node_modules/@s/words": OLD_WORDS}
ROOTS = {"greet": "^1", "loud": "^1"}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(GREET, WORDS, OLD_WORDS, LOUD, GLIBC, MUSL) as serving:
        yield serving


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """Whatever runs npm here, with nothing of this machine's user's settings."""
    executable = shutil.which("node")
    npm = shutil.which("npm")
    assert executable, "these tests need Node.js"
    assert npm, "these tests need npm"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.delenv("NPM_CONFIG_USERCONFIG", raising=False)
    return Node(executable, "22.0.0", str(Path(npm).resolve()))


def weighed(lock: Path, registry: Registry, store: Cache, target: Target = X64) -> Resolution:
    config = NpmConfig({"registry": registry.url})
    return resolve_npm(read(lock, target), target, config, Http(config, LOGIN), store)


def read(lock: Path, target: Target = X64, *, install_scripts: bool = False) -> NpmRequirements:
    return read_npm_lock(lock, target, install_scripts=install_scripts)


@pytest.mark.parametrize("tells_sizes", [True, False])
def test_sizes_are_known_without_a_download(
    registry: Registry, tmp_path: Path, store: Cache, tells_sizes: bool
) -> None:
    registry.tells_sizes = tells_sizes
    lock = registry.lock(tmp_path, TREE, ROOTS)
    found = weighed(lock, registry, store)
    assert found.estimated
    assert found.roots == ("greet", "loud")
    by_name = {wheel.name: wheel for wheel in found.wheels}
    assert by_name["loud"].requires == ("loud/node_modules/@s/words",)
    assert by_name["greet"].requires == ("@s/words",)
    for name, one in TREE.items():
        told = by_name[name].unzipped_bytes
        # A tar has a header and some filling for each file, and 10,240 bytes at least.
        assert one.unpacked <= told <= (one.unpacked if tells_sizes else one.unpacked + 12_000)
    assert found.downloaded_bytes < 2_000
    asked = len(registry.asked)
    assert weighed(lock, registry, store).wheels == found.wheels
    assert len(registry.asked) == asked


def test_a_registry_that_tells_nothing_leaves_a_guess(
    registry: Registry, tmp_path: Path, store: Cache
) -> None:
    registry.ranges = False
    lock = registry.lock(tmp_path, {"@s/words": WORDS}, {"@s/words": "1"})
    (wheel,) = weighed(lock, registry, store).wheels
    assert wheel.unzipped_bytes == 4 * len(WORDS.tarball)


def test_a_lock_that_leaves_urls_out_is_asked_for_at_the_registry(
    registry: Registry, tmp_path: Path, store: Cache
) -> None:
    lock = registry.lock(tmp_path, {"@s/words": WORDS}, {"@s/words": "1"})
    content = json.loads(lock.read_text())
    del content["packages"]["node_modules/@s/words"]["resolved"]
    lock.write_text(json.dumps(content))
    assert weighed(lock, registry, store).wheels[0].unzipped_bytes > WORDS.unpacked


def test_a_token_is_sent_to_its_registry_alone(
    registry: Registry, tmp_path: Path, store: Cache
) -> None:
    registry.token = "s3cret"
    lock = registry.lock(tmp_path, {"greet": GREET, "@s/words": WORDS}, {"greet": "1"})
    with pytest.raises(WideloadError) as caught:
        weighed(lock, registry, store)
    assert "HTTP 401" in caught.value.why
    assert "npm login" in caught.value.hint
    host = registry.url.removeprefix("http:")
    (tmp_path / ".npmrc").write_text(f"registry={registry.url}\n{host}:_authToken=${{MINE}}\n")
    config = NpmConfig.gather([tmp_path], {"MINE": "s3cret", "npm_config_userconfig": "/none"})
    assert config.headers("https://elsewhere.example/greet") == {}
    found = resolve_npm(read(lock), X64, config, Http(config, LOGIN), store)
    assert len(found.wheels) == 2


def test_optional_packages_for_musl_are_left_out_even_if_the_lock_does_not_tell(
    registry: Registry, tmp_path: Path, store: Cache
) -> None:
    fast = package("fast", optionalDependencies={"fast-glibc": "1", "fast-musl": "1"})
    registry.packages[fast.name, fast.version] = fast
    tree = {"fast": fast, "fast-glibc": GLIBC, "fast-musl": MUSL}
    silent = {"libc": None, "optional": True}
    lock = registry.lock(
        tmp_path, tree, {"fast": "1"}, **{"fast-glibc": silent, "fast-musl": silent}
    )
    text = json.loads(lock.read_text())
    for entry in text["packages"].values():
        entry.pop("libc", None)
    lock.write_text(json.dumps(text))
    found = weighed(lock, registry, store)
    assert [wheel.name for wheel in found.wheels] == ["fast", "fast-glibc"]
    assert found.wheels[0].requires == ("fast-glibc",)


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_npm_installs_becomes_an_archive_a_package(
    registry: Registry, tmp_path: Path, store: Cache, node: Node
) -> None:
    lock = registry.lock(tmp_path / "shop", TREE, ROOTS)
    found, paths = install_npm(read(lock), X64, lambda: node, store)
    assert not found.estimated
    assert [wheel.name for wheel in found.wheels] == sorted(TREE)
    by_name = {wheel.name: wheel for wheel in found.wheels}
    files = contents(paths[by_name["loud/node_modules/@s/words"].sha256])
    place = "node_modules/loud/node_modules/@s/words"
    assert sorted(files) == [f"{place}/index.js", f"{place}/package.json"]
    assert files[f"{place}/index.js"] == b"y" * 9_000
    assert not any("/.bin/" in member.path for wheel in found.wheels for member in wheel.members)
    executable = {m.path for wheel in found.wheels for m in wheel.members if m.executable}
    assert executable == {"node_modules/greet/bin/greet"}
    assert {path.name for path in (tmp_path / "shop").iterdir()} == {
        "package.json",
        "package-lock.json",
    }


def test_what_was_installed_once_is_known_and_npm_is_not_run_again(
    registry: Registry, tmp_path: Path, store: Cache, node: Node
) -> None:
    lock = registry.lock(tmp_path / "shop", TREE, ROOTS)
    first, paths = install_npm(read(lock), X64, lambda: node, store)

    def never() -> Node:
        raise AssertionError("npm is run")

    again, same = install_npm(read(lock), X64, never, store)
    assert (again, same) == (first, paths)
    asked = len(registry.asked)
    assert weighed(lock, registry, store).wheels == first.wheels
    assert len(registry.asked) == asked
    shutil.rmtree(store.root / "wheels")
    assert weighed(lock, registry, store).estimated


def test_the_same_bytes_from_another_cache(
    registry: Registry, tmp_path: Path, store: Cache, node: Node
) -> None:
    from wideload.cache import Cache as Another  # noqa: PLC0415

    lock = registry.lock(tmp_path / "shop", TREE, ROOTS)
    other = Another(tmp_path / "other")
    one, _ = install_npm(read(lock), X64, lambda: node, store)
    two, _ = install_npm(read(lock), X64, lambda: node, other)
    assert [wheel.sha256 for wheel in one.wheels] == [wheel.sha256 for wheel in two.wheels]


def scripted() -> Package:
    script = "require('fs').writeFileSync('made.txt', process.env.NODE_ENV)"
    return package(
        "scripted",
        {"make.js": script, "index.js": ""},
        scripts={"install": "node make.js"},
    )


@pytest.mark.parametrize("allowed", [True, False])
def test_install_scripts_run_where_they_are_allowed(
    registry: Registry, tmp_path: Path, store: Cache, node: Node, allowed: bool
) -> None:
    one = scripted()
    registry.packages[one.name, one.version] = one
    told = {"scripted": {"hasInstallScript": True}}
    lock = registry.lock(tmp_path / "shop", {"scripted": one}, {"scripted": "1"}, **told)
    asked = read(lock, install_scripts=allowed)
    assert asked.packages[0].runs_script
    found, _ = install_npm(asked, X64, lambda: node, store)
    paths = {member.path for member in found.wheels[0].members}
    assert ("node_modules/scripted/made.txt" in paths) is allowed


def test_a_tarball_with_another_hash_stops(
    registry: Registry, tmp_path: Path, store: Cache, node: Node
) -> None:
    lock = registry.lock(tmp_path / "shop", {"@s/words": WORDS}, {"@s/words": "1"})
    registry.packages[WORDS.name, WORDS.version] = package("@s/words", {"index.js": "evil"})
    with pytest.raises(WideloadError) as caught:
        install_npm(read(lock), X64, lambda: node, store)
    assert caught.value.what == "npm ci failed"
    assert "EINTEGRITY" in caught.value.why
    assert not list((store.root / "installing").iterdir())


def test_what_a_killed_run_left_is_removed_when_it_is_old(
    registry: Registry, tmp_path: Path, store: Cache, node: Node
) -> None:
    lock = registry.lock(tmp_path / "shop", {"@s/words": WORDS}, {"@s/words": "1"})
    old, new = (store.root / "installing" / name for name in ("old", "new"))
    for left in (old, new):
        (left / "node_modules").mkdir(parents=True)
    os.utime(old, (0, 0))
    install_npm(read(lock), X64, lambda: node, store)
    assert not old.exists()
    assert new.exists()


def test_without_npm_it_says_so(registry: Registry, tmp_path: Path, store: Cache) -> None:
    lock = registry.lock(tmp_path / "shop", {"@s/words": WORDS}, {"@s/words": "1"})
    with pytest.raises(WideloadError, match="npm is not on this machine"):
        install_npm(read(lock), X64, lambda: Node("/usr/bin/node", "22.0.0", ""), store)


@pytest.mark.parametrize(
    ("environ", "package_name", "registry_url"),
    [
        ({}, "a", PUBLIC_REGISTRY),
        ({"npm_config_registry": "https://r.example"}, "a", "https://r.example/"),
        ({"NPM_CONFIG_REGISTRY": "https://r.example/x/"}, "@s/a", "https://scoped.example/"),
    ],
)
def test_which_registry_is_asked(
    tmp_path: Path, environ: dict[str, str], package_name: str, registry_url: str
) -> None:
    (tmp_path / ".npmrc").write_text("; mine\n@s:registry = https://scoped.example\n")
    config = NpmConfig.gather([tmp_path], {**environ, "npm_config_userconfig": "/none"})
    assert config.registry(package_name) == registry_url


def test_a_lock_names_the_public_registry_and_means_the_configured_one() -> None:
    config = NpmConfig({"registry": "https://r.example/npm"})
    public = f"{PUBLIC_REGISTRY}a/-/a-1.0.0.tgz"
    assert config.tarball_url("a", public) == "https://r.example/npm/a/-/a-1.0.0.tgz"
    assert config.tarball_url("a", "https://other.example/a.tgz") == "https://other.example/a.tgz"
    assert config.manifest_url("@s/a", "1.0.0+x") == "https://r.example/npm/@s%2Fa/1.0.0+x"


def test_logins_are_for_all_below_their_place() -> None:
    import base64  # noqa: PLC0415

    secret = base64.b64encode(b"pass:word").decode()
    config = NpmConfig(
        {
            "//r.example/npm/:_authToken": "t",
            "//b.example/:_auth": "dTpw",
            "//u.example/:username": "me",
            "//u.example/:_password": secret,
        }
    )
    assert config.headers("https://r.example/npm/a/-/a.tgz") == {"authorization": "Bearer t"}
    assert config.headers("https://r.example/other") == {}
    assert config.headers("https://b.example/a") == {"authorization": "Basic dTpw"}
    both = base64.b64encode(b"me:pass:word").decode()
    assert config.headers("https://u.example/a") == {"authorization": f"Basic {both}"}
