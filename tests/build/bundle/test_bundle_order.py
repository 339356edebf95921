"""Units, and the order in which the import wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from made_values import AL2023, entry, sha256_of, wheel_value
from wideload.build.bundle.imports import imported_names
from wideload.build.bundle.order import arrange
from wideload.build.bundle.units import needs, units_of
from wideload.values.profile import PROFILE_SCHEMA, Profile, UsedPath
from wideload.values.tree import FileEntry, FileTree, LocalFile

if TYPE_CHECKING:
    from pathlib import Path


def units(*paths: str) -> dict[str, str]:
    return units_of([entry(path, 1000) for path in paths])


def test_a_unit_is_a_sub_package_with_its_data() -> None:
    found = units(
        "pkg/__init__.py",
        "pkg/a.py",
        "pkg/data/words.txt",
        "pkg/sub/__init__.pyc",
        "pkg/sub/deep/table.bin",
        "pkg/native/__init__.cpython-313-x86_64-linux-gnu.so",
        "single.py",
        "single_ext.abi3.so",
        "pkg.libs/libx-1.so",
        "pkg-1.0.dist-info/METADATA",
        "nsp/one/__init__.py",
        "nsp/two/b.py",
        "nsp/two/inner/c.py",
    )
    assert found == {
        "pkg/__init__.py": "pkg",
        "pkg/a.py": "pkg",
        "pkg/data/words.txt": "pkg",
        "pkg/sub/__init__.pyc": "pkg/sub",
        "pkg/sub/deep/table.bin": "pkg/sub",
        "pkg/native/__init__.cpython-313-x86_64-linux-gnu.so": "pkg/native",
        "single.py": "./single",
        "single_ext.abi3.so": "./single_ext",
        "pkg.libs/libx-1.so": "pkg.libs",
        "pkg-1.0.dist-info/METADATA": "pkg-1.0.dist-info",
        "nsp/one/__init__.py": "nsp/one",
        "nsp/two/b.py": "nsp/two",
        "nsp/two/inner/c.py": "nsp/two/inner",
    }


def test_a_folder_of_data_beside_an_empty_init_is_its_packages() -> None:
    found = units_of(
        [
            entry("pkg/__init__.py", 100),
            entry("pkg/data/__init__.py", 0),
            entry("pkg/data/x.csv", 100),
            entry("pkg/code/__init__.py", 0),
            entry("pkg/code/x.py", 100),
        ]
    )
    assert found["pkg/data/x.csv"] == found["pkg/data/__init__.py"] == "pkg"
    assert found["pkg/code/x.py"] == "pkg/code"


def test_compiled_modules_are_with_their_sources() -> None:
    found = units(
        "pkg/__init__.py",
        "pkg/__pycache__/__init__.cpython-313.pyc",
        "a.py",
        "__pycache__/a.cpython-313.pyc",
    )
    assert found["pkg/__pycache__/__init__.cpython-313.pyc"] == "pkg"
    assert found["__pycache__/a.cpython-313.pyc"] == found["a.py"] == "./a"


def test_libraries_of_what_is_required_are_needed() -> None:
    libs, user, other = (
        wheel_value("native-libs"),
        wheel_value("user", requires=["Native_Libs>=1"]),
        wheel_value("other"),
    )
    wheels = {wheel.sha256: wheel for wheel in (libs, user, other)}
    owners = {
        "native/lib/libcuda.so.12": libs.sha256,
        "native/__init__.py": libs.sha256,
        "user/__init__.py": user.sha256,
        "other/__init__.py": other.sha256,
        "user-1.0.dist-info/METADATA": user.sha256,
    }
    names = units(*owners)
    found = needs(owners, names, wheels)
    assert found["user"] == {"user", "native", "user-1.0.dist-info"}
    assert found["other"] == {"other", "user-1.0.dist-info"}


def placed(
    files: dict[str, str], imported: tuple[str, ...], profile: Profile | None = None
) -> list[str]:
    """The paths in a bundle's order.

    :param files: the distribution that each path is of.
    """
    requires = {"a": ["b"], "b": [], "c": [], "own": []}
    made = {name: wheel_value(name, requires=requires[name]) for name in requires}
    wheels = {made[name].sha256: made[name] for name in set(files.values()) - {"own"}}
    owners = {path: "" if name == "own" else made[name].sha256 for path, name in files.items()}
    entries = [entry(path, 1000) for path in files]
    groups = arrange(entries, owners, units(*files), wheels, imported, profile)
    return [each.path for group in groups for each in group.entries]


FILES = {
    "a/__init__.py": "a",
    "a/deep/er/__init__.py": "a",
    "a/x.so": "a",
    "a-1.0.dist-info/METADATA": "a",
    "b/__init__.py": "b",
    "b.libs/libb.so": "b",
    "c/__init__.py": "c",
    "model.bin": "own",
}


def test_by_guess_requirements_come_before_who_requires_them() -> None:
    assert placed(FILES, ("a",)) == [
        "a-1.0.dist-info/METADATA",
        "model.bin",
        "b.libs/libb.so",
        "b/__init__.py",
        "a/x.so",
        "a/__init__.py",
        "a/deep/er/__init__.py",
        "c/__init__.py",
    ]
    assert placed(FILES, ("c", "a"))[2] == "c/__init__.py"


def test_what_the_runtime_carries_leads_to_what_it_requires() -> None:
    files = {"zed/__init__.py": "zed", "used/__init__.py": "used"}
    made = {
        "zed": wheel_value("zed", requires=[]),
        "used": wheel_value("used", requires=[]),
        # Resolved, and not in the tree.
        "sdk": wheel_value("sdk", requires=["used"]),
    }
    groups = arrange(
        [entry(path, 1000) for path in files],
        {path: made[name].sha256 for path, name in files.items()},
        units(*files),
        {one.sha256: one for one in made.values()},
        ("sdk", "zed"),
        None,
    )
    assert [group.name for group in groups] == ["used", "zed"]


def profile_of(*entries: tuple[str, str]) -> Profile:
    used = tuple(UsedPath(path, phase, "open") for path, phase in entries)
    return Profile(PROFILE_SCHEMA, "f", AL2023, (), (), used)


def test_by_profile_what_initialising_used_comes_first_then_what_events_did() -> None:
    profile = profile_of(
        ("c/__init__.py", "init"), ("a/deep/er/__init__.py", "init"), ("b/__init__.py", "event")
    )
    assert placed(FILES, ("a",), profile) == [
        "a-1.0.dist-info/METADATA",
        "model.bin",
        "c/__init__.py",
        "a/deep/er/__init__.py",
        "b/__init__.py",
        "a/x.so",
        "a/__init__.py",
        "b.libs/libb.so",
    ]


def test_a_profile_names_sources_where_compiled_modules_ship() -> None:
    files = {"a/__init__.pyc": "a", "b/__init__.pyc": "b"}
    assert placed(files, ("b",), profile_of(("a/__init__.py", "init")))[0] == "a/__init__.pyc"


def source(root: Path, path: str, text: str) -> FileEntry:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return msgspec.structs.replace(entry(path), origin=LocalFile(str(place), sha256_of(text)))


def test_the_handlers_imports_in_order_its_own_modules_followed(tmp_path: Path) -> None:
    own = FileTree.of(
        [
            source(
                tmp_path,
                "app.py",
                "import os\nif True:\n    import numpy as np\nfrom shop import cart\n"
                "def f():\n    import late\nfrom .mine import x\n",
            ),
            source(tmp_path, "shop/__init__.py", "import pandas.core\n"),
            source(tmp_path, "shop/cart.py", "from . import till\nimport requests\n"),
            source(tmp_path, "shop/till.py", "import money\n"),
            source(tmp_path, "not_imported.py", "import never\n"),
        ]
    )
    others = ("os", "mine", "shop")
    names = [name for name in imported_names("app.handler", own) if name not in others]
    assert names == ["numpy", "pandas", "money", "requests", "late"]


def test_a_handler_that_cannot_be_read_leads_nowhere(tmp_path: Path) -> None:
    own = FileTree.of([source(tmp_path, "app.py", "import (\n")])
    assert imported_names("app.handler", own) == ()
    assert imported_names("nowhere.handler", own) == ()
