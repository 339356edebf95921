"""slim = "traced" from a project's folder to a package that runs, and says what is gone."""

from __future__ import annotations

import json
import shutil
import uuid
import zipfile
from pathlib import Path

import msgspec
import pytest

from made_projects import Listener, ProjectMaker
from wheel_maker import wheel
from wideload import proving
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.pipeline import Pipeline
from wideload.prepared import Built
from wideload.sandbox import LinuxSandbox, unpack
from wideload.values.environment import EnvironmentSpec
from wideload.values.invocation import Invocation, Outcome
from wideload.values.profile import Profile
from wideload.values.tree import FileTree
from wideload.values.unused import GUARD_LIST
from wideload.verify import probe

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

EXAMPLES = Path(__file__).parents[2] / "examples"
APP = """
import importlib
import one.used

def handler(event, context):
    module = importlib.import_module(event.get("module", "one.used"))
    return [one.used.f(), module.__name__]
"""
ONE = {
    "one/__init__.py": "",
    "one/used/__init__.py": "from one.used.near import f\n",
    "one/used/near.py": "def f():\n    return 7\n",
    "one/used/asks.py": "try:\n    import one.unused\nexcept ImportError as error:\n"
    "    raise RuntimeError('no unused') from error\n",
    "one/used/broken.py": "import no_module_of_this_name\n",
    "one/unused/__init__.py": "",
    "one/unused/deep.py": "",
}
TWO = {"two/__init__.py": "import one\n", "two/more.py": ""}


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """With the sandbox's own packages, which are the same for all tests."""
    return Cache(tmp_path_factory.getbasetemp() / "sandbox-cache")


class Shop:
    """A project with two wheels in its lock, which lie beside it."""

    def __init__(self, projects: ProjectMaker, cache: Cache) -> None:
        self.root = projects.make(
            "shop",
            slim=True,
            more='requirements = "pylock.toml"\nslim = "traced"',
            files={
                "app.py": APP,
                "event.json": "{}",
                "expected.json": '[7, "one.used"]',
                "other.json": '{"module": "one.unused"}',
            },
        )
        self.listener = Listener()
        self.pipeline = Pipeline(self.listener, cache)
        self.cache = cache
        self.lock()

    def lock(self, version: str = "1.0") -> None:
        lines = ['lock-version = "1.0"', 'created-by = "tests"']
        for made in (wheel("one", version, files=ONE), wheel("two", files=TWO)):
            (self.root / made.filename).write_bytes(made.data)
            hashes = f'{{ sha256 = "{made.sha256}" }}'
            lines += [
                *("[[packages]]", f'name = "{made.name}"'),
                f'version = "{made.filename.split("-")[1]}"',
                f'wheels = [{{ path = "{made.filename}", hashes = {hashes} }}]',
            ]
        (self.root / "pylock.toml").write_text("\n".join([*lines, ""]))
        (self.root / ".wideloadignore").write_text("*.whl\nother.json\n")

    def configure(self, lines: str) -> None:
        config = self.root / "wideload.toml"
        config.write_text(config.read_text() + lines + "\n")

    def trace(self, *events: str) -> Profile:
        function = self.pipeline.source(None, self.root)
        return proving.trace(self.pipeline, function, [self.root / one for one in events]).profile

    def build(self) -> Built:
        return self.pipeline.build(self.pipeline.source(None, self.root))

    def invoke(self, built: Built, event: str, tmp_path: Path) -> Invocation:
        task = tmp_path / uuid.uuid4().hex
        unpack(built.folder / "function.zip", task)
        spec = EnvironmentSpec(
            function="shop",
            version="$LATEST",
            target=built.function.target,
            handler="app.handler",
            task=str(task),
        )
        environment = LinuxSandbox(self.cache.root).start(spec)
        try:
            return environment.invoke(event.encode(), str(uuid.uuid4()))
        finally:
            environment.close()


@pytest.fixture
def shop(projects: ProjectMaker, cache: Cache) -> Shop:
    return Shop(projects, cache)


def names(built: Built) -> set[str]:
    with zipfile.ZipFile(built.folder / "function.zip") as package:
        return set(package.namelist())


def test_only_what_is_used_ships_and_the_rest_is_accounted_for(shop: Shop, tmp_path: Path) -> None:
    shop.trace()
    built = shop.build()
    shipped = names(built)
    assert {"one/__init__.py", "one/used/near.py", "one/used/asks.py", "app.py"} <= shipped
    assert not [path for path in shipped if path.startswith(("one/unused", "two"))]
    gone = {one.path: one for one in built.manifest.removals if one.rule == "traced/1"}
    assert gone["one/unused/deep.py"].package == "one"
    assert gone["two/more.py"].package == "two"
    assert gone["two/more.py"].reason == "no traced event uses it"
    assert gone.keys() >= {"two-1.0.dist-info/METADATA", "one/unused/__init__.py"}
    origins = {file.path: file.origin for file in built.manifest.files}
    assert origins["_wideload_guard.py"] == "traced/1"
    assert origins["__pycache__/_wideload_guard.cpython-313.pyc"] == "bytecode/2"

    answer = shop.invoke(built, "{}", tmp_path)
    assert (answer.outcome, json.loads(answer.payload)) == (Outcome.SUCCESS, [7, "one.used"])


@pytest.mark.parametrize(
    ("module", "pattern"), [("one.unused", "one/unused/**"), ("two.more", "two/**")]
)
def test_what_is_gone_says_so_and_the_pattern_brings_it_back(
    shop: Shop, tmp_path: Path, module: str, pattern: str
) -> None:
    shop.trace()
    event = json.dumps({"module": module})
    failed = json.loads(shop.invoke(shop.build(), event, tmp_path).payload)
    assert failed["errorType"] == "ModuleNotFoundError"
    assert "was left out of this package by the rule traced/1" in failed["errorMessage"]
    assert f'keep = ["{pattern}"]' in failed["errorMessage"]
    shop.configure(f'keep = ["{pattern}"]')
    answer = shop.invoke(shop.build(), event, tmp_path)
    assert json.loads(answer.payload) == [7, module]


def test_another_event_is_another_package(shop: Shop) -> None:
    shop.trace()
    assert "one/unused/deep.py" not in names(shop.build())
    shop.trace("event.json", "other.json")
    assert "one/unused/deep.py" in names(shop.build())
    shop.trace()
    assert "one/unused/deep.py" not in names(shop.build())


def test_a_file_that_is_only_looked_at_stays(shop: Shop) -> None:
    """Of a source beside byte-code that is not checked Python asks no more than whether it is."""
    profile = shop.trace()
    looked = [
        msgspec.structs.replace(one, use="stat") if one.path.startswith("one/") else one
        for one in profile.entries
    ]
    path = shop.root / "shop.profile.json"
    path.write_bytes(msgspec.structs.replace(profile, entries=tuple(looked)).encode())
    assert {"one/used/near.py", "one/used/__pycache__/near.cpython-313.pyc"} <= names(shop.build())


def test_it_is_verified_and_compared(shop: Shop) -> None:
    shop.trace()
    built = shop.build()
    imports, event = proving.verify(shop.pipeline, built).checks
    assert imports.passed
    assert event.detail.startswith("the expected answer")
    imports, event = proving.compare(shop.pipeline, built).checks
    assert (imports.passed, event.passed, event.detail) == (True, True, "the same answer")
    assert imports.detail == (
        "3 modules import, as unslimmed; 4 are left out, as no traced event used them; "
        "what is left out is asked for by one.used.asks"
    )


def test_the_probe_knows_the_name_of_the_list() -> None:
    assert probe._LIST == GUARD_LIST


def test_without_a_profile_it_is_said_what_to_do(shop: Shop) -> None:
    with pytest.raises(WideloadError, match="nothing is known of what the function uses") as caught:
        shop.build()
    assert "run `wideload trace`" in caught.value.hint


def test_a_profile_of_other_packages_is_refused(shop: Shop) -> None:
    shop.trace()
    shop.build()
    shop.lock("2.0")
    with pytest.raises(WideloadError, match="is of other packages than are packed now") as caught:
        shop.build()
    assert caught.value.why == "one was 1.0, now it is 2.0"
    assert "run `wideload trace` again" in caught.value.hint
    shop.trace()
    shop.build()


def test_a_second_build_is_the_same_without_asking_again(shop: Shop) -> None:
    shop.trace()
    first = shop.build().manifest
    assert shop.build().manifest == first
    function = shop.pipeline.source(None, shop.root)
    assert shop.pipeline.prepare(function).slimmed.exact


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("runtime", "unzipped", "zipped"),
    [("python3.13", 169_000_000, 57_000_000), ("python3.11", 186_000_000, 60_000_000)],
)
def test_the_recommender_is_smaller_and_answers_the_same(
    tmp_path: Path, cache: Cache, runtime: str, unzipped: int, zipped: int
) -> None:
    root = tmp_path / "examples"
    locks = () if runtime == "python3.13" else ("pylock.*",)
    shutil.copytree(EXAMPLES, root, ignore=shutil.ignore_patterns(".wideload", *locks))
    config = root / "wideload.toml"
    table = "[functions.recommender]\n"
    config.write_text(
        config.read_text()
        .replace("python3.13", runtime)
        .replace(table, f'{table}slim = "traced"\nbytecode = "sourceless"\n')
    )
    # The user's own code may ask for what no event did; the name of the file is his.
    asks = "def handler(event, context):\n    from scipy import signal\n"
    (root / "recommender" / "asks.py").write_text(asks)
    pipeline = Pipeline(Listener(), cache)
    function = pipeline.source("recommender", root)
    proving.trace(pipeline, function)
    built = pipeline.build(pipeline.source("recommender", root))
    package = built.manifest.artifact("function")
    assert package.unzipped_bytes < unzipped
    assert package.size < zipped
    verdict = proving.verify(pipeline, built)
    assert verdict.passed, verdict
    assert verdict.checks[-1].detail.startswith("the expected answer")
    asking = msgspec.structs.replace(built.function, handler="asks.handler")
    (check,) = proving.verify(
        pipeline, msgspec.structs.replace(built, function=asking, packed=FileTree(()))
    ).checks
    assert not check.passed
    assert "ModuleNotFoundError" in check.detail
    assert 'keep = [\\"scipy/signal/**\\"]' in check.detail
