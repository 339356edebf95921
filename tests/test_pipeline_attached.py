"""What layers of others carry is not packed: resolved against, judged, weighed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from layer_maker import OWNER, Shelf, layer_zip
from made_projects import Listener, ProjectMaker
from wheel_maker import Made, wheel
from wideload.errors import WideloadError
from wideload.pipeline import Pipeline
from wideload.prepared import Built, Prepared

if TYPE_CHECKING:
    from pathlib import Path

    from local_index import LocalIndex
    from wideload.cache import Cache

NUMPY = wheel("numpy", "2.1.0", tag="cp313-cp313-manylinux_2_17_x86_64")
PANDAS = wheel(
    "pandas",
    "2.2.3",
    tag="cp313-cp313-manylinux_2_17_x86_64",
    requires=["numpy>=1.26", "six", 'fsspec; extra == "aws"'],
    extras=["aws"],
)
SIX = wheel("six", "1.17")
SHOPKIT = wheel("shopkit", "1.0", requires=["pandas>=2"])


@pytest.fixture
def shelf(index: LocalIndex) -> Shelf:
    return Shelf(index)


class Shop:
    """Projects whose function attaches layers."""

    def __init__(self, shelf: Shelf, projects: ProjectMaker, store: Cache) -> None:
        self._shelf = shelf
        self._projects = projects
        self._store = store
        self.listener = Listener()

    def make(
        self,
        requirements: str | None,
        *arns: str,
        prefer: str = "",
        more: str = "",
        files: dict[str, str | bytes] | None = None,
    ) -> Path:
        lines = [f"layers = {json.dumps(arns)}", more]
        lines += [f'prefer = "{prefer}"'] if prefer else []
        return self._projects.make(
            "shop", requirements, slim=True, more="\n".join(lines), files=files
        )

    def _pipeline(self) -> Pipeline:
        self.listener = Listener()
        return Pipeline(self.listener, self._store, layers=lambda _: self._shelf)

    def prepared(self, root: Path) -> Prepared:
        pipeline = self._pipeline()
        return pipeline.prepare(pipeline.source(None, root))

    def built(self, root: Path) -> Built:
        pipeline = self._pipeline()
        return pipeline.build(pipeline.source(None, root))

    @property
    def notes(self) -> list[str]:
        return [line for line in self.listener.lines if line.startswith("note: ")]


@pytest.fixture
def shop(shelf: Shelf, projects: ProjectMaker, store: Cache) -> Shop:
    return Shop(shelf, projects, store)


def where(found: Prepared) -> dict[str, str]:
    """Each package's version and, where it is not packed, what carries it."""
    by = {one.name: one.by for one in found.slimmed.provided}
    return {
        wheel.name: f"{wheel.version} {by.get(wheel.name, 'packed')}"
        for wheel in found.resolution.wheels
    }


def packed(found: Prepared) -> set[str]:
    return {name for name, place in where(found).items() if place.endswith(" packed")}


def lock_of(*made: Made, index: LocalIndex) -> str:
    """A pylock.toml of somebody else's."""
    parts = ['lock-version = "1.0"\ncreated-by = "tests"\n']
    for one in made:
        version = one.filename.split("-")[1]
        parts.append(
            f'[[packages]]\nname = "{one.name}"\nversion = "{version}"\n'
            f'wheels = [{{ url = "{index.file_url(one)}", '
            f'hashes = {{ sha256 = "{one.sha256}" }} }}]\n'
        )
    return "".join(parts)


def test_what_a_layer_carries_is_not_packed(shop: Shop, shelf: Shelf, index: LocalIndex) -> None:
    index.add(SHOPKIT, SIX)
    # Neither pandas nor numpy is on the index: nobody but the layer has them.
    arn = shelf.publish("made", layer_zip(PANDAS, NUMPY, wheel("unused", "1.0")))
    root = shop.make("shopkit\npandas\n", arn)
    found = shop.prepared(root)
    assert where(found) == {
        "numpy": f"2.1.0 {arn}",
        "pandas": f"2.2.3 {arn}",
        "shopkit": "1.0 packed",
        "six": "1.17 packed",
    }
    assert found.resolution.roots == ("pandas", "shopkit")
    assert "pandas" not in (root / "pylock.shop.toml").read_text().partition("[tool.")[0]
    assert shop.notes == []
    assert found.resolution.downloaded_bytes > shelf.sent_of(arn) > 0
    again = shop.prepared(root)
    assert again.resolution.downloaded_bytes == 0
    assert not shop.listener.lines
    assert again.slimmed == found.slimmed
    made = shop.built(root)
    paths = {file.path for file in made.manifest.files}
    assert {"shopkit.py", "six.py", "app.py"} <= paths
    assert not paths & {"pandas.py", "numpy.py", "layers.lock.toml"}
    by = {one.name: one.provided_by for one in made.manifest.wheels}
    assert by == {"numpy": arn, "pandas": arn, "shopkit": None, "six": None}
    assert made.manifest.settings.layers == (arn,)


def test_without_the_layer_all_of_it_is_packed_again(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(SHOPKIT, SIX, PANDAS, NUMPY, wheel("pandas", "2.1", requires=["numpy"]))
    old = wheel("pandas", "2.1", requires=["numpy"])
    arn = shelf.publish("made", layer_zip(old, NUMPY))
    root = shop.make("shopkit\n", arn)
    assert where(shop.prepared(root))["pandas"] == f"2.1 {arn}"
    shop.make("shopkit\n")
    assert packed(shop.prepared(root)) == {"shopkit", "pandas", "numpy", "six"}


def test_an_extra_of_what_is_carried_is_packed(shop: Shop, shelf: Shelf, index: LocalIndex) -> None:
    index.add(wheel("fsspec", "1.0"))
    arn = shelf.publish("made", layer_zip(PANDAS, NUMPY, SIX))
    assert packed(shop.prepared(shop.make("pandas[aws]\n", arn))) == {"fsspec"}


def test_hashes_of_what_is_carried_are_nobodys_concern(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(SIX)
    arn = shelf.publish("made", layer_zip(NUMPY))
    wrong = "0" * 64
    text = f"numpy==2.1.0 --hash=sha256:{wrong}\nsix==1.17 --hash=sha256:{SIX.sha256}\n"
    found = shop.prepared(shop.make(text, arn))
    assert where(found) == {"numpy": f"2.1.0 {arn}", "six": "1.17 packed"}


def test_with_an_address_in_the_requirements_the_layer_is_against_them(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(NUMPY)
    arn = shelf.publish("made", layer_zip(NUMPY))
    line = f"numpy @ {index.file_url(NUMPY)}"
    with pytest.raises(WideloadError, match="do not go together") as caught:
        shop.prepared(shop.make(f"{line}\n", arn))
    assert caught.value.why.endswith(f"requirements.txt asks for {line}")
    assert packed(shop.prepared(shop.make(f"{line}\n", arn, prefer="lock"))) == {"numpy"}
    assert packed(shop.prepared(shop.make(f"{line}\n", arn, prefer="layer"))) == set()


def test_settings_of_uv_in_the_environment_hold_beside_layers(
    shop: Shop,
    shelf: Shelf,
    index: LocalIndex,
    tmp_path: Path,
    clean_environment: pytest.MonkeyPatch,
) -> None:
    index.add(wheel("demo", "1.0"), wheel("demo", "2.0"))
    links = tmp_path / "links"
    links.mkdir()
    local = wheel("nearby", "1.0")
    (links / local.filename).write_bytes(local.data)
    (tmp_path / "limits.txt").write_text("demo<2\n")
    clean_environment.setenv("UV_FIND_LINKS", str(links))
    clean_environment.setenv("UV_CONSTRAINT", str(tmp_path / "limits.txt"))
    arn = shelf.publish("made", layer_zip(NUMPY))
    found = shop.prepared(shop.make("demo\nnearby\nnumpy\n", arn))
    assert where(found) == {
        "demo": "1.0 packed",
        "nearby": "1.0 packed",
        "numpy": f"2.1.0 {arn}",
    }


def test_a_pin_against_a_layer_is_told_with_both_sides(shop: Shop, shelf: Shelf) -> None:
    arn = shelf.publish("made", layer_zip(wheel("pandas", "1.5.3"), NUMPY))
    root = shop.make("pandas>=2.2\n", arn)
    with pytest.raises(WideloadError, match="do not go together") as caught:
        shop.prepared(root)
    assert caught.value.why == (
        f"layer {arn} carries pandas 1.5.3, requirements.txt asks for pandas>=2.2"
    )
    assert not list(root.glob("pylock*"))


def test_a_package_against_a_layer_is_told_with_both_sides(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(SHOPKIT)
    arn = shelf.publish("made", layer_zip(wheel("pandas", "1.5.3"), NUMPY))
    with pytest.raises(WideloadError, match="cannot be met") as caught:
        shop.prepared(shop.make("shopkit\n", arn))
    assert "shopkit" in caught.value.why
    assert "pandas>=2" in caught.value.why
    assert caught.value.why.endswith(f"layer {arn} carries pandas 1.5.3")
    assert "numpy" not in caught.value.why
    assert 'prefer = "lock"' in caught.value.hint


def test_with_the_lock_preferred_the_functions_own_is_packed(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(PANDAS, SIX)
    arn = shelf.publish("made", layer_zip(wheel("pandas", "1.5.3"), NUMPY))
    found = shop.prepared(shop.make("pandas>=2.2\n", arn, prefer="lock"))
    assert where(found) == {
        "numpy": f"2.1.0 {arn}",
        "pandas": "2.2.3 packed",
        "six": "1.17 packed",
    }
    assert shop.notes == [
        f"note: layer {arn} carries pandas 1.5.3, packed is 2.2.3, which Python finds first"
    ]


def test_with_the_layer_preferred_it_counts_more_than_what_asks(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(SHOPKIT)
    arn = shelf.publish("made", layer_zip(wheel("pandas", "1.5.3"), NUMPY))
    found = shop.prepared(shop.make("shopkit\npandas>=2.2\n", arn, prefer="layer"))
    assert where(found) == {"pandas": f"1.5.3 {arn}", "shopkit": "1.0 packed"}
    for asks in ("requirements.txt asks for pandas>=2.2", "shopkit 1.0 asks for pandas>=2"):
        note = f'layer {arn} carries pandas 1.5.3, but {asks}: taken, since prefer = "layer"'
        assert f"note: {note}" in shop.notes
    assert len(shop.notes) == 2


def test_of_a_lock_the_same_versions_are_left_out(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(SHOPKIT, PANDAS, NUMPY, SIX)
    lock = lock_of(SHOPKIT, PANDAS, NUMPY, SIX, index=index)
    # A build of the maker's own is still that version.
    arn = shelf.publish("made", layer_zip(wheel("pandas", "2.2.3+ours"), NUMPY))
    root = shop.make(None, arn, more='requirements = "pylock.toml"', files={"pylock.toml": lock})
    index.forget()
    found = shop.prepared(root)
    assert where(found) == {
        "numpy": f"2.1.0 {arn}",
        "pandas": f"2.2.3+ours {arn}",
        "shopkit": "1.0 packed",
        "six": "1.17 packed",
    }
    assert index.sent_of(PANDAS) == index.sent_of(NUMPY) == 0


def test_of_a_lock_another_version_is_the_users_choice(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    numpy = wheel("numpy", "1.26.4", tag="cp313-cp313-manylinux_2_17_x86_64")
    index.add(SHOPKIT, PANDAS, numpy, SIX)
    lock = lock_of(SHOPKIT, PANDAS, numpy, SIX, index=index)
    files: dict[str, str | bytes] = {"pylock.toml": lock}
    arn = shelf.publish("made", layer_zip(PANDAS, NUMPY))
    more = 'requirements = "pylock.toml"'
    with pytest.raises(WideloadError, match="pylock.toml and the attached") as caught:  # noqa: RUF043
        shop.prepared(shop.make(None, arn, more=more, files=files))
    assert caught.value.why == (f"layer {arn} carries numpy 2.1.0, pylock.toml has numpy 1.26.4")
    found = shop.prepared(shop.make(None, arn, more=more, files=files, prefer="lock"))
    assert where(found)["numpy"] == "1.26.4 packed"
    assert where(found)["pandas"] == f"2.2.3 {arn}"
    first, second = shop.notes
    assert first == (
        f"note: layer {arn} carries numpy 2.1.0, packed is 1.26.4, which Python finds first"
    )
    assert second == (
        f"note: pandas 2.2.3 of layer {arn} was compiled beside numpy 2.1.0 and now meets numpy "
        "1.26.4 of the function: try it with `wideload verify`"
    )
    found = shop.prepared(shop.make(None, arn, more=more, files=files, prefer="layer"))
    assert where(found)["numpy"] == f"2.1.0 {arn}"
    assert packed(found) == {"shopkit", "six"}


def test_what_a_layers_package_cannot_work_with_is_said(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    numpy = wheel("numpy", "1.20", tag="cp313-cp313-manylinux_2_17_x86_64")
    index.add(PANDAS, numpy, SIX)
    files: dict[str, str | bytes] = {"pylock.toml": lock_of(PANDAS, numpy, SIX, index=index)}
    arn = shelf.publish("made", layer_zip(PANDAS, NUMPY))
    more = 'requirements = "pylock.toml"'
    shop.prepared(shop.make(None, arn, more=more, files=files, prefer="lock"))
    assert shop.notes[-1] == (
        f"note: pandas 2.2.3 of layer {arn} asks for numpy>=1.26 and meets numpy 1.20 of the "
        "function: it may not work"
    )


def test_two_layers_that_would_mix_a_package_are_refused(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(NUMPY)
    one = shelf.publish("one", layer_zip(wheel("numpy", "2.0.0")))
    two = shelf.publish("two", layer_zip(NUMPY))
    with pytest.raises(WideloadError, match="carry numpy in different versions") as caught:
        shop.prepared(shop.make("numpy\n", one, two))
    assert f"layer {one} carries numpy 2.0.0" in caught.value.why
    assert f"layer {two} carries numpy 2.1.0" in caught.value.why
    # What nobody asks for may be as it is.
    index.add(SIX)
    assert where(shop.prepared(shop.make("six\n", one, two))) == {"six": "1.17 packed"}
    assert packed(shop.prepared(shop.make("numpy\n", one, two, prefer="lock"))) == {"numpy"}


def test_python_finds_the_folder_of_its_version_first(shop: Shop, shelf: Shelf) -> None:
    site = "python/lib/python3.13/site-packages"
    one = shelf.publish("one", layer_zip(wheel("numpy", "2.0.0"), root=site))
    two = shelf.publish("two", layer_zip(NUMPY))
    assert where(shop.prepared(shop.make("numpy\n", one, two))) == {"numpy": f"2.0.0 {one}"}


def test_of_layers_with_the_same_version_the_later_is_named(shop: Shop, shelf: Shelf) -> None:
    one, two = (shelf.publish(name, layer_zip(NUMPY)) for name in ("one", "two"))
    assert where(shop.prepared(shop.make("numpy\n", one, two))) == {"numpy": f"2.1.0 {two}"}


BOTO3 = wheel("boto3", "1.40", requires=["botocore==1.40", "s3transfer"])
BOTOCORE = wheel("botocore", "1.40")
S3TRANSFER = wheel("s3transfer", "0.13", requires=["botocore"])


def test_an_sdk_that_a_layer_carries_is_the_layers(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    arn = shelf.publish("sdk", layer_zip(BOTO3, BOTOCORE, S3TRANSFER))
    found = where(shop.prepared(shop.make("boto3\n", arn)))
    assert found == {
        "boto3": f"1.40 {arn}",
        "botocore": f"1.40 {arn}",
        "s3transfer": f"0.13 {arn}",
    }


def test_half_an_sdk_in_a_layer_keeps_the_runtimes_out(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(BOTO3, S3TRANSFER)
    arn = shelf.publish("half", layer_zip(BOTOCORE))
    found = shop.prepared(shop.make("boto3\n", arn))
    assert where(found) == {
        "boto3": "1.40 packed",
        "botocore": f"1.40 {arn}",
        "s3transfer": "0.13 packed",
    }
    assert (
        "the SDK is not taken from the runtime, where it would meet a layer's botocore"
        in found.slimmed.notes
    )


def test_a_layer_that_leaves_the_sdk_to_the_runtime_gets_it_from_there(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(BOTO3, BOTOCORE, S3TRANSFER)
    arn = shelf.publish("wrangler", layer_zip(wheel("wrangler", requires=["boto3<2,>=1.20"])))
    found = where(shop.prepared(shop.make("wrangler\n", arn)))
    assert found == {
        "boto3": "1.40 runtime",
        "botocore": "1.40 runtime",
        "s3transfer": "0.13 runtime",
        "wrangler": f"1.0 {arn}",
    }


def test_a_module_without_a_version_is_told_and_packed(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(SIX)
    arn = shelf.publish("bare", layer_zip(files={"python/six.py": "", "python/other.py": ""}))
    assert packed(shop.prepared(shop.make("six\n", arn))) == {"six"}
    assert shop.notes == [
        f"note: layer {arn} has six, but does not say which version: it is not counted on"
    ]
    odd = shelf.publish(
        "odd",
        layer_zip(
            files={
                "python/six.py": "",
                "python/six-x.dist-info/METADATA": "Name: six\nVersion: ?\n",
            }
        ),
    )
    assert packed(shop.prepared(shop.make("six\n", odd))) == {"six"}
    assert len(shop.notes) == 1


def test_nothing_is_slimmed_and_still_what_layers_carry_is_not_packed(
    shop: Shop, shelf: Shelf, index: LocalIndex
) -> None:
    index.add(SHOPKIT, SIX)
    arn = shelf.publish("made", layer_zip(PANDAS, NUMPY))
    found = shop.prepared(shop.make("shopkit\n", arn, more='slim = "none"'))
    assert packed(found) == {"shopkit", "six"}
    assert {entry.path for entry in found.slimmed.tree} >= {"shopkit.py", "six.py"}
    assert "pandas.py" not in found.slimmed.tree.by_path


def test_layers_count_against_the_quota(shop: Shop, shelf: Shelf) -> None:
    arns = [
        shelf.publish(name, layer_zip(files={"data.bin": bytes(131_000_000)}))
        for name in ("one", "two")
    ]
    root = shop.make(None, *arns, files={"weights.bin": bytes(200_000)})
    with pytest.raises(WideloadError) as caught:
        shop.built(root)
    assert caught.value.why == (
        "AWS would answer InvalidParameterValueException: Unzipped size must be smaller than "
        "144000 bytes"
    )
    arns.append(shelf.publish("three", layer_zip(files={"data.bin": bytes(200_000)})))
    with pytest.raises(WideloadError) as caught:
        shop.built(shop.make(None, *arns))
    assert "Layers consume more than the available size of 262144000 bytes" in caught.value.why


def test_a_function_has_at_most_five_layers(shop: Shop) -> None:
    root = shop.make(None, *(f"{OWNER}:l{number}:1" for number in range(6)))
    with pytest.raises(WideloadError, match="bad 'layers'") as caught:
        shop.prepared(root)
    assert "Cannot reference more than 5 layers." in caught.value.why


def test_a_build_stops_at_a_layer_that_changed(shop: Shop, shelf: Shelf) -> None:
    arn = shelf.publish("made", layer_zip(NUMPY))
    root = shop.make("numpy\n", arn)
    shop.built(root)
    shelf.publish("made", layer_zip(wheel("numpy", "2.2.0")))
    shop.prepared(root)
    with pytest.raises(WideloadError, match="is not what") as caught:
        shop.built(root)
    assert caught.value.why.startswith("numpy 2.1.0 became 2.2.0")


def test_latest_is_the_recorded_version_in_all_that_is_made(shop: Shop, shelf: Shelf) -> None:
    arn = shelf.publish("made", layer_zip(NUMPY))
    made = shop.built(shop.make("numpy\n", f"{OWNER}:made:latest"))
    assert made.manifest.settings.layers == (arn,)
    assert made.function.settings.layers == (arn,)
    assert [layer.arn for layer in made.attached] == [arn]


@pytest.mark.parametrize("value", ['"newest"', "1", '""'])
def test_only_lock_or_layer_can_be_preferred(shop: Shop, value: str) -> None:
    with pytest.raises(WideloadError, match="bad 'prefer'") as caught:
        shop.prepared(shop.make(None, more=f"prefer = {value}"))
    assert "lock or layer" in caught.value.why
