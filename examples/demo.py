"""An oversize function: what the usual way gets, then wideload's, on the embedded AWS.

Run by `make demo`. Needs the package index, no AWS account. What it leaves is
examples/.wideload and a lock beside the requirements.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import boto3
import uv
from botocore.exceptions import ClientError

EXAMPLES = Path(__file__).resolve().parent
WIDELOAD = str(Path(sys.executable).with_name("wideload"))
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def title(text: str) -> None:
    print(f"\n\033[1m── {text}\033[0m" if sys.stdout.isatty() else f"\n── {text}", flush=True)


def wideload(*arguments: str, show: bool = True) -> str:
    """Run a command as a user would, its narration and its answer in view."""
    if show:
        print(f"$ wideload {' '.join(arguments)}", flush=True)
    done = subprocess.run([WIDELOAD, *arguments], cwd=EXAMPLES, stdout=subprocess.PIPE, text=True)
    if show:
        print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def naive_zip(folder: Path) -> Path:
    """The pipeline that many have: install into the function's folder, zip it, upload it."""
    package = folder / "package"
    shutil.copytree(EXAMPLES / "recommender", package)
    target = ("--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_34")
    subprocess.run(
        [uv.find_uv_bin(), "pip", "install", "-q", "-r", "requirements.txt", *target]
        + ["--only-binary", ":all:", "--target", "vendor"],
        cwd=package,
        check=True,
    )
    path = folder / "recommender.zip"
    unzipped = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(package.rglob("*")):
            archive.write(file, file.relative_to(package))
            unzipped += file.stat().st_size if file.is_file() else 0
    print(f"{unzipped / 1e6:.1f} MB unzipped, {path.stat().st_size / 1e6:.1f} MB zipped")
    return path


def try_naively(path: Path) -> None:
    """Send it as it is, in the request and through S3, and print what AWS answers."""
    for line in wideload("local", "env", show=False).splitlines():
        name, _, value = line.partition("=")
        os.environ[name] = value.strip("'")
    iam, s3, functions = boto3.client("iam"), boto3.client("s3"), boto3.client("lambda")
    try:
        role = iam.create_role(RoleName="naive", AssumeRolePolicyDocument=json.dumps(TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName="naive")
    stub = path.with_name("stub.zip")
    with zipfile.ZipFile(stub, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): ...")
    try:
        functions.create_function(
            FunctionName="recommender_lambda-staging",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="app.handler",
            Code={"ZipFile": stub.read_bytes()},
        )
    except functions.exceptions.ResourceConflictException:
        pass
    functions.get_waiter("function_updated_v2").wait(FunctionName="recommender_lambda-staging")

    print("$ aws lambda update-function-code --zip-file fileb://recommender.zip")
    attempt(
        lambda: functions.update_function_code(
            FunctionName="recommender_lambda-staging", ZipFile=path.read_bytes()
        )
    )
    s3.create_bucket(Bucket="naive-123456789012")
    s3.upload_file(str(path), "naive-123456789012", "recommender.zip")
    print("$ aws lambda update-function-code --s3-bucket … --s3-key recommender.zip")
    attempt(
        lambda: functions.update_function_code(
            FunctionName="recommender_lambda-staging",
            S3Bucket="naive-123456789012",
            S3Key="recommender.zip",
        )
    )


def attempt(call) -> None:
    try:
        call()
    except ClientError as error:
        print(error, flush=True)
    else:
        sys.exit("this was expected to be refused")


def main() -> None:
    started = time.monotonic()
    title("The usual way: install into the folder, zip, upload")
    with tempfile.TemporaryDirectory() as folder:
        try_naively(naive_zip(Path(folder)))

    title("What it weighs and which way is open, nothing downloaded")
    wideload("plan", "recommender")

    title("Build, deploy to the embedded AWS, invoke")
    wideload("build", "recommender")
    wideload("deploy", "recommender")
    answer = json.loads(wideload("invoke", "recommender", "--event", "recommender/event.json"))

    expected = json.loads((EXAMPLES / "recommender" / "expected.json").read_text())
    if answer != expected:
        sys.exit("the answer is not the expected one")
    title(f"The answer is the expected one. {time.monotonic() - started:.0f} s in all.")
    print("The embedded AWS serves on; `wideload local down` in examples/ stops it.")


if __name__ == "__main__":
    main()
