"""What must not be parted, by the paths of the files alone."""

from __future__ import annotations

import msgspec
import pytest

from split_made import MB, TARGET, dist, own, packages, tree_of
from wideload.plan.split.atoms import FAST, SLOW, Shapes, take_apart
from wideload.plan.split.splitting import split
from wideload.values.attached import AttachedLayer, Extensions, Held
from wideload.values.resolution import Wheel
from wideload.values.split import Split
from wideload.values.tree import FileEntry


def classes(*wheels: Wheel, files: tuple[FileEntry, ...] = ()) -> list[tuple[str, ...]]:
    """The distributions that stay together, where they are not alone."""
    sides = take_apart(tree_of(wheels, files), wheels, Shapes())
    return [
        tuple(sides.distributions[index].name for index in group)
        for group in sides.together
        if len(group) > 1
    ]


def grown(*wheels: Wheel, files: tuple[FileEntry, ...] = ()) -> set[str]:
    sides = take_apart(tree_of(wheels, files), wheels, Shapes())
    return {sides.distributions[index].name for index in sides.grown}


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (["a/__init__.py"], ["b/__init__.py"], False),
        # Folders without __init__ span function and layers.
        (["google/api/__init__.py"], ["google/cloud/x/__init__.py"], False),
        (["google/cloud/a/__init__.py"], ["google/cloud/b/__init__.py"], False),
        (["google/cloud/a.py"], ["google/cloud/b.py"], False),
        # With one they do not, whoever brings it, in whichever form.
        (["google/__init__.py", "google/api.py"], ["google/cloud/x.py"], True),
        (["google/__init__.pyc", "google/api.pyc"], ["google/cloud/x.py"], True),
        (["g/__init__.cpython-313-x86_64-linux-gnu.so"], ["g/x/y.py"], True),
        (["g/c/__init__.py", "g/c/a.py"], ["g/c/b.py"], True),
        (["pkg/__init__.py"], ["pkg/data/table.txt"], True),
        # A module and a package of one name: Python takes what comes first.
        (["six.py"], ["six/__init__.py"], True),
        (["six.py"], ["six/data.txt"], True),
        (["six.abi3.so"], ["six.pyc"], True),
        (["six.py"], ["__pycache__/six.cpython-313.pyc"], False),
        # Neither packages nor modules.
        (["bin/a"], ["bin/b"], False),
        (["share/doc/a.txt"], ["share/doc/b.txt"], False),
        (["a-1.dist-info/x"], ["b-1.dist-info/x"], False),
        # The loader looks into X.libs beside the module that wants it.
        (["a/x.so", "numpy.libs/liba.so"], ["numpy.libs/libb.so"], True),
    ],
)
def test_what_meets_in_a_package_stays_together(
    one: list[str], other: list[str], together: bool
) -> None:
    found = classes(dist("one", 10, *one), dist("other", 10, *other))
    assert found == ([("one", "other")] if together else [])
    assert found == classes(dist("one", 10, *other), dist("other", 10, *one))


def test_what_meets_through_a_third_stays_together() -> None:
    wheels = [
        dist("a", 10, "a/__init__.py", "x/__init__.py"),
        dist("b", 10, "x/b.py", "y/b.py"),
        dist("c", 10, "y/__init__.py"),
        dist("d", 10, "d.py"),
    ]
    assert classes(*wheels) == [("a", "b", "c")]


def test_what_links_with_libraries_of_another_stays_with_it() -> None:
    blas = dist("nvidia-cublas", 10, "nvidia/cublas/lib/libcublas.so.12")
    solver = dist(
        "nvidia-cusolver", 10, "nvidia/cusolver/lib/libcusolver.so.11", requires=["nvidia-cublas"]
    )
    torch = dist(
        "torch", 10, "torch/__init__.py", "torch/lib/libtorch.so",
        requires=["nvidia-cusolver>=11", "Jinja2"],
    )  # fmt: skip
    light = dist("lightning", 10, "lightning/__init__.py", requires=["torch"])
    assert classes(blas, solver, torch, light, dist("jinja2")) == [
        ("nvidia-cublas", "nvidia-cusolver", "torch")
    ]


def test_what_needs_another_but_does_not_link_with_it_is_free() -> None:
    numpy = dist("numpy", 10, "numpy/core.so", "numpy.libs/libblas.so")
    pandas = dist("pandas", 10, "pandas/lib.so", requires=["numpy"])
    assert classes(numpy, pandas) == []


def test_what_meets_the_users_own_files_stays_in_the_function() -> None:
    wheels = (dist("a", 10, "ns/a.py"), dist("b", 10, "pkg/__init__.py"), dist("c", 10, "c.py"))
    assert grown(*wheels, files=(own("pkg/extra.py"), own("ns/mine.py"))) == {"b"}
    assert grown(*wheels, files=(own("ns/__init__.py"),)) == {"a"}
    assert grown(*wheels, files=(own("c/__init__.py"),)) == {"c"}


def test_a_module_of_the_users_that_stands_for_a_package_does_not_draw_it_in() -> None:
    assert grown(dist("six", 10, "six.py"), files=(own("six.py"),)) == set()


def test_what_meets_the_users_files_is_packed_with_them() -> None:
    wheels = [dist("pkg", 30 * MB), dist("plugin", 2 * MB, "pkg/plugin.py"), dist("z", 9 * MB)]
    found = split(tree_of(wheels, [own(), own("pkg/settings.py")]), wheels, TARGET)
    assert isinstance(found, Split)
    assert found.packages == ("pkg", "plugin")
    assert packages(found) == [("z",)]
    assert {"pkg/settings.py", "pkg/__init__.py", "pkg/plugin.py"} <= set(found.function.by_path)


def test_a_file_of_a_wheel_that_is_not_there_is_a_mistake() -> None:
    wheel = dist("a")
    with pytest.raises(ValueError, match="DATA is of a wheel"):
        take_apart(tree_of([wheel]), [], Shapes())


def test_the_sdk_is_taken_to_change_often() -> None:
    wheels = [dist("botocore", 14 * MB), dist("numpy", 14 * MB)]
    sides = take_apart(tree_of(wheels), wheels, Shapes())
    assert [one.rate for one in sides.distributions] == [FAST, SLOW]


def attached(*held: Held, modules: tuple[str, ...] = ()) -> AttachedLayer:
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:theirs:3"
    return AttachedLayer(
        arn=arn,
        sha256="0" * 64,
        zipped_bytes=1,
        unzipped_bytes=1,
        runtimes=(),
        architectures=(),
        distributions=held,
        modules=modules,
    )


@pytest.mark.parametrize(
    ("layer", "inside"),
    [
        (attached(Held("pandas", "1")), True),
        (attached(modules=("pandas",)), True),
        (attached(Held("numpy", "1"), modules=("numpy",)), False),
        # A namespace is merged in /opt, and only there.
        (attached(modules=("google",)), False),
    ],
)
def test_what_layers_of_others_carry_too_is_hidden_by_the_function(
    layer: AttachedLayer, inside: bool
) -> None:
    wheels = [dist("pandas", 12 * MB), dist("google-x", 2 * MB, "google/x/__init__.py")]
    found = split(tree_of(wheels), wheels, TARGET, attached=[layer])
    assert isinstance(found, Split)
    assert found.packages == (("pandas",) if inside else ())


@pytest.mark.parametrize(
    ("root", "inside"), [("python", False), ("python/lib/python3.13/site-packages", True)]
)
def test_site_packages_of_a_layer_hide_python_of_another(root: str, inside: bool) -> None:
    wheels = [dist("pandas", 12 * MB)]
    layer = attached(Held("pandas", "1", root=root), modules=("pandas",))
    found = split(tree_of(wheels), wheels, TARGET, attached=[layer], layout="site-packages")
    assert isinstance(found, Split)
    assert found.packages == (("pandas",) if inside else ())
    extension = msgspec.structs.replace(
        attached(modules=("pandas",)), extensions=(Extensions("pandas", root, ()),)
    )
    found = split(tree_of(wheels), wheels, TARGET, attached=[extension], layout="site-packages")
    assert isinstance(found, Split)
    assert found.packages == (("pandas",) if inside else ())
