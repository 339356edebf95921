from __future__ import annotations

import base64
import io
import json
import struct
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest
from lambda_world import ACCOUNT, LAYERS, REGION, USER, World, refusal, zipped

from wideload import limits

pytest_plugins = ["lambda_fixture"]

_MEGABYTE = 1024**2
_INVALID = "InvalidParameterValueException"
_UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


def _zeros(unzipped: int) -> bytes:
    """A zip of one file of zeros, so big unzipped, small itself."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros", "w") as file,
    ):
        for start in range(0, unzipped, _MEGABYTE):
            file.write(bytes(min(_MEGABYTE, unzipped - start)))
    return buffer.getvalue()


def _broken(message: str) -> tuple[str, str, int]:
    return _INVALID, message, 400


def test_oversize_requests_are_refused_in_the_words_of_each_operation(world: World) -> None:
    # The answer comes from the length of the request alone, so any bytes will do.
    package = bytes(52_700_000)
    client = world.client()
    world.create()
    assert refusal(lambda: client.update_function_code(FunctionName="hello", ZipFile=package)) == (
        "RequestEntityTooLargeException",
        "Request must be smaller than 69905067 bytes for the UpdateFunctionCode operation",
        413,
    )
    assert refusal(
        lambda: world.create("nodejs", Runtime="nodejs6.10", Code={"ZipFile": package})
    ) == (
        "RequestEntityTooLargeException",
        "Request must be smaller than 70167211 bytes for the CreateFunction operation",
        413,
    )
    assert refusal(
        lambda: client.publish_layer_version(LayerName="l", Content={"ZipFile": package})
    ) == (
        "RequestEntityTooLargeException",
        "Request must be smaller than 70167211 bytes for the PublishLayerVersion operation",
        413,
    )


def test_a_zip_over_50_mb_within_the_request_limit_is_refused(world: World) -> None:
    package = bytes(limits.CODE_SIZE_ZIPPED + 1)
    broken = limits.check_zipped(len(package))
    assert broken is not None
    code, message, _ = refusal(lambda: world.create(Code={"ZipFile": package}))
    assert f"{code}: {message}" == broken.aws_error
    assert message == "Zipped size must be smaller than 52428800 bytes"


def test_the_unzipped_limit_holds_to_the_byte(world: World) -> None:
    limit = limits.CODE_SIZE_UNZIPPED
    for name, size in (("fits", limit), ("over", limit + 1)):
        world.objects.put("bucket", f"{name}.zip", _zeros(size))
    world.create()
    client = world.client()

    def update(name: str) -> Any:
        return client.update_function_code(
            FunctionName="hello", S3Bucket="bucket", S3Key=f"{name}.zip"
        )

    update("fits")
    assert refusal(lambda: update("over")) == _broken(
        "Unzipped size must be smaller than 262144000 bytes"
    )


def test_layers_shrink_what_is_left_for_the_code(world: World) -> None:
    client = world.client()
    world.objects.put("bucket", "layer.zip", _zeros(100 * _MEGABYTE))
    world.objects.put("bucket", "code.zip", _zeros(200 * _MEGABYTE))
    layer_source: Any = {"S3Bucket": "bucket", "S3Key": "layer.zip"}
    code_source: dict[str, Any] = {"S3Bucket": "bucket", "S3Key": "code.zip"}
    arns = [
        client.publish_layer_version(LayerName=name, Content=layer_source)["LayerVersionArn"]
        for name in ("one", "two", "three")
    ]
    left = limits.CODE_SIZE_UNZIPPED - 100 * _MEGABYTE
    assert refusal(lambda: world.create("big", Code=code_source, Layers=arns[:1])) == _broken(
        f"Unzipped size must be smaller than {left} bytes"
    )
    assert refusal(lambda: world.create("big", Layers=arns)) == _broken(
        "Layers consume more than the available size of 262144000 bytes"
    )
    world.create("big", Code=code_source)
    assert refusal(
        lambda: client.update_function_configuration(FunctionName="big", Layers=arns[:1])
    ) == _broken(
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
        f"The actual size is {300 * _MEGABYTE} bytes."
    )
    world.create("small", Layers=arns[:1])
    assert refusal(
        lambda: client.update_function_code(FunctionName="small", **code_source)
    ) == _broken(f"Unzipped size must be smaller than {left} bytes")


def test_a_layer_too_big_unzipped_is_refused(world: World) -> None:
    world.objects.put("bucket", "layer.zip", _zeros(limits.CODE_SIZE_UNZIPPED + 1))
    source: Any = {"S3Bucket": "bucket", "S3Key": "layer.zip"}
    assert refusal(
        lambda: world.client().publish_layer_version(LayerName="l", Content=source)
    ) == _broken("Unzipped size must be smaller than 262144000 bytes")


def test_code_storage_is_limited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    package = zipped()
    monkeypatch.setattr(limits, "TOTAL_CODE_SIZE", len(package))
    world.create(Code={"ZipFile": package})
    assert refusal(lambda: world.create("second", Code={"ZipFile": package})) == (
        "CodeStorageExceededException",
        "Code storage limit exceeded.",
        400,
    )


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"", "Uploaded file must be a non-empty zip"),
        (zipped({"folder/": b""}), "Uploaded file must be a non-empty zip"),
        (b"not a zip", _UNZIP),
        (zipped()[:-30], _UNZIP),
        (zipped({"../evil.py": "x"}), _UNZIP),
        (zipped({"/etc/evil": "x"}), _UNZIP),
        (zipped({"a": "x", "a/b": "y"}), _UNZIP),
    ],
)
def test_bad_zips_are_refused(world: World, package: bytes, message: str) -> None:
    assert refusal(lambda: world.create(Code={"ZipFile": package})) == _broken(message)
    assert not list((world.folder / "state" / "lambda" / "blobs").iterdir())


def test_a_zip_that_lies_about_its_sizes_is_refused(world: World) -> None:
    package = bytearray(_zeros(300 * _MEGABYTE))
    true = struct.pack("<I", 300 * _MEGABYTE)
    assert package.count(true) >= 1
    lying = bytes(package).replace(true, struct.pack("<I", 1000))
    assert refusal(lambda: world.create(Code={"ZipFile": lying})) == _broken(_UNZIP)


def test_a_zip_with_a_damaged_member_is_refused(world: World) -> None:
    package = bytearray(zipped({"app.py": "text " * 100}))
    package[40] ^= 0xFF
    assert refusal(lambda: world.create(Code={"ZipFile": bytes(package)})) == _broken(_UNZIP)


def test_missing_objects_and_sources(world: World) -> None:
    world.objects.put("bucket", "other.zip", zipped())
    get = "Error occurred while GetObject. S3 Error Code: "
    for source, message in (
        (
            {"S3Bucket": "bucket", "S3Key": "code.zip"},
            f"{get}NoSuchKey. S3 Error Message: The specified key does not exist.",
        ),
        (
            {"S3Bucket": "nowhere", "S3Key": "code.zip"},
            f"{get}NoSuchBucket. S3 Error Message: The specified bucket does not exist",
        ),
        (
            {"S3Bucket": "bucket", "S3Key": "other.zip", "S3ObjectVersion": "7"},
            f"{get}NoSuchVersion. S3 Error Message: The specified version does not exist.",
        ),
        ({}, "Please provide a source for function code."),
        (
            {"ImageUri": "image:latest"},
            "Please don't provide ImageUri when creating a function with packageType Zip.",
        ),
    ):
        assert refusal(lambda source=source: world.create(Code=source)) == _broken(message)  # type: ignore[misc]


@pytest.mark.parametrize("role", ["stranger", "nobody"])
def test_roles_that_lambda_cannot_assume_are_refused(world: World, role: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    cannot = _broken("The role defined for the function cannot be assumed by Lambda.")
    assert refusal(lambda: world.create(Role=arn)) == cannot
    world.create()
    client = world.client()
    assert (
        refusal(lambda: client.update_function_configuration(FunctionName="hello", Role=arn))
        == cannot
    )


def test_environment_variables(world: World) -> None:
    unable = (
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided "
    )
    reserved = {"Variables": {"AWS_REGION": "x", "FINE": "z"}}
    assert refusal(lambda: world.create(Environment={"Variables": {"A B": "x"}}))[:2] == (
        "ValidationException",
        (
            "1 validation error detected: Value at 'environment.variables' failed to satisfy "
            "constraint: Map keys must satisfy constraint: [Member must satisfy regular expression "
            "pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
        ),
    )
    assert refusal(lambda: world.create(Environment=reserved)) == _broken(
        f"{unable}contains reserved keys that are currently not supported for modification. "
        "Reserved keys used in this request: AWS_REGION"
    )
    large = {"LARGE": "x" * 4096}
    broken = limits.check_environment(large)
    assert broken is not None
    code, message, _ = refusal(lambda: world.create(Environment={"Variables": large}))
    assert f"{code}: {message}" == broken.aws_error
    assert message.startswith(f"{unable}exceeded the 4KB limit. String measured: ")
    world.create(Environment={"Variables": {"LARGE": "x" * (4096 - len('{"LARGE":""}'))}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"MemorySize": 32769},
            (
                "Value '32769' at 'memorySize' failed to satisfy constraint: Member must have "
                "value less than or equal to 32768"
            ),
        ),
        (
            {"MemorySize": 64},
            (
                "Value '64' at 'memorySize' failed to satisfy constraint: Member must have value "
                "greater than or equal to 128"
            ),
        ),
        (
            {"Timeout": 5401},
            (
                "Value '5401' at 'timeout' failed to satisfy constraint: Member must have "
                "value less than or equal to 5400"
            ),
        ),
        (
            {"EphemeralStorage": {"Size": 100}},
            (
                "Value '100' at 'ephemeralStorage.size' failed to satisfy constraint: Member must "
                "have value greater than or equal to 512"
            ),
        ),
        (
            {"Handler": "two words"},
            (
                "Value 'two words' at 'handler' failed to satisfy constraint: Member must satisfy "
                r"regular expression pattern: [^\s]+"
            ),
        ),
        (
            {"Role": "r1"},
            (
                "Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular "
                r"expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
            ),
        ),
        (
            {"Architectures": ["X86_64"]},
            (
                "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must "
                "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member "
                "must not be null]"
            ),
        ),
        (
            {"Architectures": ["x86_64", "arm64"]},
            (
                "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: "
                "Member must have length less than or equal to 1"
            ),
        ),
        (
            {"SnapStart": {"ApplyOn": "invalidOption"}},
            (
                "Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member "
                "must satisfy enum value set: [PublishedVersions, None]"
            ),
        ),
    ],
)
def test_the_models_constraints_are_refused_in_awss_words(
    world: World, changes: dict[str, Any], message: str
) -> None:
    assert refusal(lambda: world.create(**changes)) == (
        "ValidationException",
        f"1 validation error detected: {message}",
        400,
    )


def test_several_violations_come_together(world: World) -> None:
    _, message, _ = refusal(lambda: world.create(MemorySize=64, Timeout=0))
    assert message.startswith("2 validation errors detected: Value '0' at 'timeout'")
    assert "; Value '64' at 'memorySize'" in message


def test_long_and_odd_names(world: World) -> None:
    name = "a" * 65
    assert refusal(lambda: world.create(name)) == _broken(
        f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy "
        "constraint: Member must have length less than or equal to 64"
    )
    assert refusal(lambda: world.create("odd name"))[1].startswith(
        "1 validation error detected: Value 'odd name' at 'functionName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: (arn:"
    )


def test_runtimes_are_needed_known_and_not_retired(world: World) -> None:
    assert refusal(lambda: world.create(Runtime="nodejs6.10")) == _broken(
        "The runtime parameter of nodejs6.10 is no longer supported for creating or updating AWS "
        "Lambda functions. We recommend you use a supported runtime while creating or updating "
        "functions."
    )
    _, message, _ = refusal(lambda: world.create(Runtime="PYTHON3.9"))
    assert message.startswith(
        "Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
        "set: ["
    )
    assert message.endswith("] or be a valid ARN")
    client = world.client()
    assert refusal(
        lambda: client.create_function(
            FunctionName="hello",
            Role=f"arn:aws:iam::{ACCOUNT}:role/runner",
            Code={"ZipFile": zipped()},
        )
    ) == _broken(
        "Runtime and Handler are mandatory parameters for functions created with deployment "
        "packages."
    )


def test_layers_are_counted_and_must_be_there(world: World) -> None:
    arns = [world.layer(f"layer{number}", {"a.txt": str(number)}) for number in range(6)]
    second = world.layer("layer0", {"a.txt": "new"})
    assert refusal(lambda: world.create(Layers=arns)) == _broken(
        "Cannot reference more than 5 layers."
    )
    world.create("five", Layers=arns[:5])
    assert refusal(lambda: world.create(Layers=[arns[0], second])) == _broken(
        "Two different versions of the same layer are not allowed to be referenced in the same "
        f"function. {arns[0]} and {second} are versions of the same layer."
    )
    assert refusal(lambda: world.create(Layers=[f"{LAYERS}:none:1"])) == _broken(
        f"Layer version {LAYERS}:none:1 does not exist."
    )
    elsewhere = arns[0].replace(REGION, "eu-west-1")
    assert refusal(lambda: world.create(Layers=[elsewhere])) == _broken(
        "Layers are not in the same region as the function. Layers are expected to be in region "
        "us-east-1."
    )
    foreign = arns[0].replace(ACCOUNT, "999999999999")
    assert refusal(lambda: world.create(Layers=[foreign])) == (
        "AccessDeniedException",
        (
            f"User: {USER} is not authorized to perform: lambda:GetLayerVersion on resource: "
            f"{foreign} because no resource-based policy allows the lambda:GetLayerVersion action"
        ),
        403,
    )
    assert refusal(lambda: world.create(Layers=[f"{LAYERS}:layer0"]))[1].startswith(
        f"1 validation error detected: Value '[{LAYERS}:layer0]' at 'layers' failed to satisfy "
        "constraint: Member must satisfy constraint: [Member must have length less than or equal "
        "to 2048, Member must have length greater than or equal to 1, Member must satisfy regular "
        "expression pattern: "
    )


def test_snap_start(world: World) -> None:
    on = {"ApplyOn": "PublishedVersions"}
    assert refusal(lambda: world.create(Runtime="python3.11", SnapStart=on)) == _broken(
        "python3.11 is not supported for SnapStart enabled functions."
    )
    assert refusal(lambda: world.create(SnapStart=on, EphemeralStorage={"Size": 1024})) == _broken(
        "EphemeralStorage of more than 512 MB is not supported for SnapStart enabled functions."
    )
    world.create(SnapStart=on)
    published = world.client().publish_version(FunctionName="hello")
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    latest = world.client().get_function_configuration(FunctionName="hello")
    assert latest["SnapStart"]["OptimizationStatus"] == "Off"


def test_file_systems_need_a_vpc_and_are_kept(world: World) -> None:
    arn = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-{'a' * 17}"
    systems = [{"Arn": arn, "LocalMountPath": "/mnt/model"}]
    assert refusal(lambda: world.create(FileSystemConfigs=systems)) == _broken(
        f"Function must be configured to execute in a VPC to reference access point {arn}."
    )
    vpc = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    created = world.create(FileSystemConfigs=systems, VpcConfig=vpc)
    assert created["FileSystemConfigs"] == systems
    assert refusal(lambda: world.create("two", FileSystemConfigs=systems * 2, VpcConfig=vpc))[
        1
    ].endswith("Member must have length less than or equal to 1")
    bad = [{"Arn": arn, "LocalMountPath": "/data"}]
    assert refusal(lambda: world.create("three", FileSystemConfigs=bad, VpcConfig=vpc))[0] == (
        "ValidationException"
    )


def test_log_levels_need_json(world: World) -> None:
    assert refusal(
        lambda: world.create(LoggingConfig={"LogFormat": "Text", "SystemLogLevel": "DEBUG"})
    ) == _broken(
        'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your '
        'request or change the LogFormat to "JSON" and try again.'
    )
    created = world.create(LoggingConfig={"LogFormat": "JSON", "LogGroup": "mine"})
    assert created["LoggingConfig"] == {
        "LogFormat": "JSON",
        "LogGroup": "mine",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Could not parse request body into json: "),
        (b"[1]", "Could not parse request body into json: "),
        (b'{"MemorySize": "big"}', "MemorySize must be of type integer"),
        (b'{"Environment": []}', "Environment must be an object"),
        (b'{"Layers": [1]}', "Layers must be of type string"),
    ],
)
def test_malformed_documents_are_refused(world: World, body: bytes, message: str) -> None:
    world.create()
    request = urllib.request.Request(
        f"{world.url}/2015-03-31/functions/hello/configuration", body, method="PUT"
    )
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        urllib.request.urlopen(request)
    assert caught.value.headers["x-amzn-ErrorType"] == "SerializationException"
    assert message.encode() in caught.value.read()


def test_a_zip_whose_base64_has_escaped_slashes_is_understood(world: World) -> None:
    world.create()
    package = zipped({"a.bin": bytes(range(256)) * 8})
    text = json.dumps({"ZipFile": base64.b64encode(package).decode()}).replace("/", "\\/")
    request = urllib.request.Request(
        f"{world.url}/2015-03-31/functions/hello/code", text.encode(), method="PUT"
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["CodeSize"] == len(package)
    bad = urllib.request.Request(
        f"{world.url}/2015-03-31/functions/hello/code", b'{"ZipFile": "?!"}', method="PUT"
    )
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(bad)
