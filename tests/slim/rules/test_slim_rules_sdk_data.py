"""AWS services of which no code makes a client go, where this can be told."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from slimming_maker import Kitchen, gone
from wideload.values.slimmed import Slimmed

DATA = {
    "botocore": {
        "botocore/__init__.py": "",
        "botocore/session.py": "def f(self, name): return self.create_client(name)\n",
        "botocore/data/endpoints.json": "{}",
        "botocore/data/partitions.json": "{}",
        "botocore/data/sdk-default-configuration.json": "{}",
        "botocore/data/_retry.json": "{}",
        **{
            f"botocore/data/{name}/2020-01-01/service-2.json.gz": name
            for name in ("dynamodb", "ec2", "s3", "sts", "sso", "sso-oidc", "signin", "sqs")
        },
    },
    "boto3": {"boto3/__init__.py": "", "boto3/data/ec2/2020/resources-1.json": "{}"},
}
ALWAYS = {"s3", "sts", "sso", "sso-oidc", "signin"}


def packed(
    tmp_path: Path, code: str, more: dict[str, dict[str, str]] | None = None
) -> tuple[Kitchen, Slimmed]:
    """With a pin, so that the SDK is packed at all."""
    kitchen = Kitchen(tmp_path, {**DATA, **(more or {})}, {"app.py": code})
    kitchen.resolution = msgspec.structs.replace(
        kitchen.resolution, roots=("boto3",), wishes=("boto3==1.44.5",)
    )
    return kitchen, kitchen.slim()


def services(tmp_path: Path, code: str, more: dict[str, dict[str, str]] | None = None) -> set[str]:
    """Those that stay besides the ones that always do."""
    paths = set(packed(tmp_path, code, more)[1].tree.by_path)
    assert {path for path in DATA["botocore"] if path.count("/") < 3} <= paths
    left = {path.split("/")[2] for path in paths if path.endswith("service-2.json.gz")}
    assert left >= ALWAYS
    return left - ALWAYS


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('import boto3\nboto3.client("sqs")\n', {"sqs"}),
        ('import boto3\nboto3.resource("dynamodb").Table("x")\n', {"dynamodb"}),
        ('def f(session): return session.client(service_name="sqs")\n', {"sqs"}),
        ('from boto3 import client as c\nc("sqs")\n', {"sqs"}),
        ('import boto3\nboto3.session.Session().client("sqs")\n', {"sqs"}),
        ("import boto3\n", set()),
        ("app.test.client()\n", set()),
        ("class A:\n  def f(self): return self.client.get_object()\n", set()),
    ],
)
def test_services_that_code_names_stay(tmp_path: Path, code: str, expected: set[str]) -> None:
    assert services(tmp_path, code) == expected


@pytest.mark.parametrize(
    "code",
    [
        "import boto3\nboto3.client(name)\n",
        "def f(anything, name): return anything.resource(name)\n",
        "import boto3\nmake = boto3.client\n",
        "from boto3 import client\nmake = client\n",
        'import boto3\ngetattr(boto3, "client")("sqs")\n',
        "import boto3\ngetattr(boto3, name)\n",
        "import boto3\nboto3.client(**options)\n",
        "import boto3\nboto3.client(*options)\n",
        "def f(session): return session.get_available_services()\n",
        "import boto3\nthis is no Python for boto3.client\n",
    ],
)
def test_where_it_cannot_be_told_all_stay(tmp_path: Path, code: str) -> None:
    assert services(tmp_path, code) == {"dynamodb", "ec2", "sqs"}
    notes = packed(tmp_path / "2", code)[1].notes
    assert any("asks for cannot be told" in note for note in notes)


def test_other_packages_are_read_where_they_speak_of_the_sdk(tmp_path: Path) -> None:
    powertools = {"tools": {"tools.py": 'import boto3\nboto3.client("sqs")\n'}}
    assert services(tmp_path, "", powertools) == {"sqs"}
    flask = {"web": {"web.py": "def client(app): return app.client(app.name)\n"}}
    assert services(tmp_path / "2", "", flask) == set()


def test_an_alias_keeps_all(tmp_path: Path) -> None:
    code = 'import boto3\nboto3.client("runtime.sage")\n'
    assert services(tmp_path, code) == {"dynamodb", "ec2", "sqs"}


def test_resources_go_with_their_services(tmp_path: Path) -> None:
    _, slimmed = packed(tmp_path, 'import boto3\nboto3.resource("sqs")\n')
    assert "boto3/data/ec2/2020/resources-1.json" in gone(slimmed)
