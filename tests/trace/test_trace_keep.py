"""The rule `traced`: what it keeps, what it drops, and what it then says is gone."""

from __future__ import annotations

from trace_made import derived, own, packed, tree, used

from wideload.trace.keep import Kept, keep


def paths(kept: Kept) -> list[str]:
    return [entry.path for entry in kept.tree]


def dropped(kept: Kept) -> list[str]:
    return [entry.path for entry in kept.dropped]


def gone(kept: Kept) -> list[str]:
    return [one.name for one in kept.gone]


def test_a_used_file_keeps_all_of_its_sub_package_and_no_other() -> None:
    whole = tree(
        *("one/__init__.py", "one/helper.py", "one/table.json", "one/data/deep/x.bin"),
        *("one/_fast.cpython-313-x86_64-linux-gnu.so", "one/py.typed"),
        *("one/sub/__init__.py", "one/sub/x.py", "one/tests/__init__.py", "one/tests/test_x.py"),
    )
    kept = keep(whole, used("one/__init__.py"))
    assert dropped(kept) == [
        *("one/sub/__init__.py", "one/sub/x.py"),
        *("one/tests/__init__.py", "one/tests/test_x.py"),
    ]
    assert gone(kept) == ["one.sub", "one.tests"]
    assert [one.pattern for one in kept.gone] == ["one/sub/**", "one/tests/**"]
    assert [*paths(kept), *dropped(kept)] != [entry.path for entry in whole]
    assert sorted([*paths(kept), *dropped(kept)]) == [entry.path for entry in whole]


def test_the_packages_above_are_kept_for_what_lies_in_them() -> None:
    whole = tree("one/__init__.py", "one/x.py", "one/sub/__init__.py", "one/sub/y.py")
    kept = keep(whole, used("one/sub/y.py"))
    assert dropped(kept) == []


def test_a_look_at_a_file_is_a_use_like_any_other() -> None:
    whole = tree("one/__init__.py", "one/sub/__init__.py", "one/sub/y.py")
    assert dropped(keep(whole, used("one/sub/y.py", use="stat"))) == []


def test_listing_a_folder_uses_what_is_in_it() -> None:
    whole = tree(
        "one/__init__.py", "one/x.py", "one/plugins/__init__.py", "one/plugins/a.py", "two/x.py"
    )
    kept = keep(whole, used("one/plugins", use="list"))
    assert dropped(kept) == ["two/x.py"]


def test_listing_the_root_uses_nothing() -> None:
    assert paths(keep(tree("one/__init__.py", "six.py"), used("", use="list"))) == []


def test_a_package_of_nothing_but_data_belongs_to_the_one_around_it() -> None:
    """As time zones: the next event may be of another one."""
    whole = tree(
        packed("tz/__init__.py", size=100),
        packed("tz/zones/__init__.py", size=0),
        *("tz/zones/UTC", "tz/zones/Europe/Rome"),
        packed("tz/zones/Europe/__init__.py", size=0),
        packed("tz/zones/America/__init__.py", size=0),
        "tz/zones/America/Lima",
    )
    assert dropped(keep(whole, used("tz/zones/Europe/Rome"))) == []
    sourceless = tree(
        derived("tz/__init__.pyc", size=900),
        derived("tz/zones/America/__init__.pyc", size=120),
        *("tz/zones/America/Lima", "tz/zones/UTC"),
    )
    assert dropped(keep(sourceless, used("tz/__init__.py"))) == []


def test_a_package_is_of_its_own_if_it_has_any_code() -> None:
    whole = tree("one/__init__.py", packed("one/sub/__init__.py", size=0), "one/sub/x.py")
    assert gone(keep(whole, used("one/__init__.py"))) == ["one.sub"]


def test_of_a_namespace_package_each_portion_stands_for_itself() -> None:
    whole = tree(
        *("google/auth/__init__.py", "google/auth/x.py", "google/cloud/storage/__init__.py"),
        *("google/_upb/_message.abi3.so", "google/loose.py"),
    )
    kept = keep(whole, used("google/auth/x.py"))
    assert paths(kept) == ["google/auth/__init__.py", "google/auth/x.py"]
    assert gone(kept) == ["google._upb", "google.cloud", "google.loose"]
    assert [one.pattern for one in kept.gone][1:] == ["google/cloud/**", "google/loose.*"]


def test_what_is_gone_is_named_by_the_topmost_of_which_nothing_is_left() -> None:
    whole = tree("google/auth/__init__.py", "google/cloud/__init__.py", "one/__init__.py")
    kept = keep(whole, used("one/__init__.py"))
    assert gone(kept) == ["google"]


def test_modules_at_the_root_are_kept_one_by_one() -> None:
    whole = tree(
        *("six.py", "typing_extensions.py"),
        *("_cffi.cpython-313-x86_64-linux-gnu.so", "some.pth", "LICENSE"),
    )
    kept = keep(whole, used("six.py", "some.pth"))
    assert paths(kept) == ["six.py", "some.pth"]
    assert gone(kept) == ["_cffi", "typing_extensions"]
    assert kept.gone[0].pattern == "_cffi.*"


def test_shared_libraries_and_metadata_go_with_the_distribution() -> None:
    def files(name: str) -> list[str]:
        return [f"{name}/__init__.py", f"{name}.libs/libz-1.so.1", f"{name}-1.0.dist-info/METADATA"]

    whole = tree(*(packed(path, of=name) for name in ("one", "two") for path in files(name)))
    kept = keep(whole, used("one/__init__.py"))
    assert paths(kept) == sorted(files("one"))
    assert gone(kept) == ["two"]


def test_metadata_that_is_read_does_not_keep_the_code() -> None:
    """As whoever looks for entry points does with all distributions."""
    whole = tree(
        packed("one/__init__.py", of="one"), packed("one-1.0.dist-info/entry_points.txt", of="one")
    )
    kept = keep(whole, used("one-1.0.dist-info/entry_points.txt"))
    assert paths(kept) == ["one-1.0.dist-info/entry_points.txt"]


def test_derived_libraries_are_of_the_wheel_that_they_were_made_of() -> None:
    whole = tree(
        packed("one/__init__.py", of="one"),
        packed("one-1.0.dist-info/METADATA", of="one"),
        derived("one/_fast.so", of="one"),
        packed("one.libs/libb.so.1", of="one"),
        derived("one.libs/liba.so.1", of="one"),
        packed("two/__init__.py", of="two"),
        packed("two.libs/libd.so.1", of="two"),
        derived("two.libs/libc.so.1", of="two"),
        derived("nobodys.libs/libe.so.1", of=""),
    )
    kept = keep(whole, used("one/_fast.so"))
    assert dropped(kept) == ["two.libs/libc.so.1", "two.libs/libd.so.1", "two/__init__.py"]


def test_the_users_own_files_are_always_kept() -> None:
    whole = tree(
        *(own("app.py"), own("models/a.bin"), own("models/deep/b.bin"), own("lib/__init__.py")),
        *("one/__init__.py", "one/sub/__init__.py"),
        own("one/sub/patch.py"),
    )
    assert dropped(keep(whole, used())) == []


def test_bytecode_goes_with_its_source() -> None:
    whole = tree(
        *("one/__init__.py", derived("one/__pycache__/__init__.cpython-313.pyc")),
        *("two/__init__.py", derived("two/__pycache__/__init__.cpython-313.pyc")),
        *("six.py", derived("__pycache__/six.cpython-313.pyc")),
    )
    kept = keep(whole, used("one/__init__.py", "six.py"))
    assert dropped(kept) == ["two/__init__.py", "two/__pycache__/__init__.cpython-313.pyc"]
    assert gone(kept) == ["two"]


def test_sourceless_bytecode_is_kept_by_a_profile_of_sources() -> None:
    whole = tree(derived("one/__init__.pyc", 900), derived("two/__init__.pyc", 900))
    assert paths(keep(whole, used("one/__init__.py"))) == ["one/__init__.pyc"]


def test_a_profile_of_one_architecture_keeps_the_modules_of_the_other() -> None:
    whole = tree(
        "_cffi.cpython-313-aarch64-linux-gnu.so", "one/_f.cpython-313-aarch64-linux-gnu.so"
    )
    profile = used(
        "_cffi.cpython-313-x86_64-linux-gnu.so", "one/_f.cpython-313-x86_64-linux-gnu.so"
    )
    assert dropped(keep(whole, profile)) == []


def test_a_pattern_of_the_users_keeps_whole_sub_packages_and_what_is_above_them() -> None:
    whole = tree(
        *("one/__init__.py", "one/a/__init__.py", "one/a/x.py", "one/a/b/__init__.py"),
        *("one/c/__init__.py", "two/__init__.py"),
    )
    kept = keep(whole, used("two/__init__.py"), ("one/a/x.py",))
    assert dropped(kept) == ["one/a/b/__init__.py", "one/c/__init__.py"]
    assert dropped(keep(whole, used("two/__init__.py"), ("one/a/**",))) == ["one/c/__init__.py"]
    assert dropped(keep(whole, used(), ("*",))) == []


def test_the_pattern_that_is_told_brings_back_what_is_gone() -> None:
    whole = tree(
        *("one/__init__.py", "one/sub/__init__.py", "one/sub/deep/__init__.py", "six.py"),
        *("ns/a/__init__.py", "ns/b.py"),
    )
    kept = keep(whole, used("one/__init__.py"))
    assert gone(kept) == ["ns", "one.sub", "six"]
    assert dropped(keep(whole, used("one/__init__.py"), [one.pattern for one in kept.gone])) == []


def test_time_zones_are_kept_whatever_this_machine_has() -> None:
    whole = tree(
        *("tzdata/__init__.py", packed("tzdata/zoneinfo/__init__.py", size=0)),
        packed("tzdata/zoneinfo/UTC", of="tzdata"),
        packed("tzdata-1.0.dist-info/METADATA", of="tzdata"),
    )
    assert dropped(keep(whole, used())) == []


def test_what_a_profile_names_and_the_tree_lacks_is_passed_over() -> None:
    whole = tree("one/__init__.py")
    assert paths(keep(whole, used("one/gone.py", "two/x.py", "/opt/lib/libx.so"))) == [
        "one/__init__.py"
    ]
