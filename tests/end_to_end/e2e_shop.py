"""A project of functions that tell their version, with an embedded AWS to deploy them to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from e2e_command import ZOO, Aws, Command, exports

if TYPE_CHECKING:
    from pathlib import Path


class Shop:
    """A project to which functions are added, one for each test, with one embedded AWS."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.wideload = Command(folder, cache)
        (folder / "wideload.toml").write_text(
            '[defaults]\nruntime = "python3.13"\nhandler = "app.handler"\nrequirements = ""\n'
        )
        self.aws = Aws(exports(self.wideload("local", "env").out))
        self._functions = self.aws.client("lambda")

    def function(self, name: str, more: str = "") -> None:
        """One that tells its version, which is 1."""
        with (self.folder / "wideload.toml").open("a") as file:
            file.write(f'[functions.{name}]\nsource = "{name}"\n{more}\n')
        (self.folder / name).mkdir()
        self.change(name, (ZOO / "versioned" / "app.py").read_text("utf-8"))
        (self.folder / name / "event.json").write_text("{}\n")

    def change(self, name: str, code: str) -> None:
        (self.folder / name / "app.py").write_text(code, "utf-8")

    def edit(self, name: str, version: int) -> None:
        """Have it tell another version."""
        code = (ZOO / "versioned" / "app.py").read_text("utf-8")
        self.change(name, code.replace("VERSION = 1", f"VERSION = {version}"))

    def told(self, name: str, qualifier: str = "live") -> int:
        """The version that the function tells its callers."""
        answer = self._functions.invoke(FunctionName=name, Qualifier=qualifier)
        assert "FunctionError" not in answer
        version: int = json.loads(answer["Payload"].read())["version"]
        return version

    def live(self, name: str) -> str | None:
        """The number of the version that serves."""
        aliases = self._functions.list_aliases(FunctionName=name)["Aliases"]
        live = {alias["Name"]: str(alias["FunctionVersion"]) for alias in aliases}
        assert set(live) <= {"live"}
        return live.get("live")

    def there(self) -> dict[str, list[Any]]:
        """Everything that the embedded AWS holds of what deployments make."""
        functions, s3 = self.aws.client("lambda"), self.aws.client("s3")
        names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
        buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        return {
            "functions": names,
            "versions": [
                (name, version["Version"], version["CodeSha256"])
                for name in names
                for version in functions.list_versions_by_function(FunctionName=name)["Versions"]
            ],
            "aliases": [
                (name, alias["Name"], alias["FunctionVersion"])
                for name in names
                for alias in functions.list_aliases(FunctionName=name)["Aliases"]
            ],
            "roles": [r["RoleName"] for r in self.aws.client("iam").list_roles()["Roles"]],
            "log groups": [
                group["logGroupName"]
                for group in self.aws.client("logs").describe_log_groups()["logGroups"]
            ],
            "buckets": buckets,
            "objects": [
                (bucket, each["Key"])
                for bucket in buckets
                for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])
            ],
        }
