"""Made-up values of each stage, small and of every shape, for the examples of the JSON page."""

from __future__ import annotations

from pathlib import Path

import msgspec

from wideload.errors import WideloadError
from wideload.limits import Quota, check_direct_zip
from wideload.proving import Traced
from wideload.sandbox.check import Capability
from wideload.values.account import Account
from wideload.values.artifact import (
    MANIFEST_SCHEMA,
    Artifact,
    Manifest,
    ManifestFile,
    ManifestWheel,
)
from wideload.values.bundle import BundleEstimate
from wideload.values.deployment import (
    RESULT_SCHEMA,
    DeploymentResult,
    FunctionStatus,
    InstructionLine,
    LayerStatus,
    ProvisionedStatus,
    VersionStatus,
)
from wideload.values.explanation import Explanation
from wideload.values.function import Settings, Strategy
from wideload.values.merit import ColdStart, Merits, MonthlyCost
from wideload.values.network import Network
from wideload.values.profile import PROFILE_SCHEMA, PackageUse, Profile, TracedEvent
from wideload.values.proposal import (
    LayerWeight,
    PackageWeight,
    Plan,
    Proposal,
    Refusal,
    Removal,
)
from wideload.values.split import Share, Split
from wideload.values.target import Target
from wideload.values.timing import BENCH_SCHEMA, Bench, Start, Timing
from wideload.values.tree import FileEntry, FileTree, LocalFile, WheelMember
from wideload.values.verdict import Check, Used, Verdict

_NAME = "recommender"
_TARGET = Target.parse("python3.13", "x86_64")
_SHA256 = "36d842f46cf6a87a79b79e4a12c6ac1e796e3e0e7ac0f0779adc8a56825c7a64"
_SHA256_BASE64 = "NthC9Gz2qHp5t55KEsasHnluPg56wPB3mtyKVoJcemQ="
_ZIPPED, _UNZIPPED = 73_891_216, 245_087_419
_BROKEN = check_direct_zip(_ZIPPED)
assert _BROKEN is not None

_OWN = FileEntry("app.py", 4_207, 1_815, 0, 0o644, False, LocalFile("app.py", _SHA256))
_NUMPY = FileEntry(
    "python/numpy/__init__.py", 52_837_915, 15_636_301, 0, 0o644, False, WheelMember(_SHA256, "n")
)
_MERITS = Merits(
    ColdStart(1.839, "model", {"runtime": 0.081, "import": 1.758}),
    MonthlyCost(0.0016, 0.0, 0.053, 0.0),
)
_MEASURED = Merits(ColdStart(2.167, "measured"), MonthlyCost(0.0012, 0.0016, 0.0624, 0.0))
_SPLIT = Split(FileTree.of([_OWN]), (Share(("numpy",), FileTree.of([_NUMPY])),), ("six",))

BENCH = Bench(
    schema=BENCH_SCHEMA,
    function=_NAME,
    target=_TARGET,
    memory=1769,
    ephemeral=512,
    network=Network(),
    timings=(
        Timing(
            "s3-bootstrap",
            "fetched from S3 while the import runs",
            (Start(2870.0, (21.0, 20.0), {"runtime": 500.0, "import": 2300.0}, 43_000_000, 320),),
        ),
        Timing("stream", "a tar.gz, streamed into /tmp", (), "it fails: Sandbox.Timedout"),
    ),
    missing=("page cache: only root can drop it; starts read warm files",),
)

PLAN = Plan(
    function=_NAME,
    target=_TARGET,
    packages=(
        PackageWeight("boto3", "1.44.5", 991_190, 131_986, "runtime"),
        PackageWeight("numpy", "2.5.5", 52_837_915, 15_636_301),
    ),
    candidates=(
        Proposal(
            Strategy.S3_ZIP,
            _ZIPPED,
            _UNZIPPED,
            reason="a bucket takes what is too big for the request",
            merits=_MERITS,
        ),
        Proposal(
            Strategy.LAYERS,
            _SPLIT.zipped_bytes,
            _SPLIT.unzipped_bytes,
            reason="1 layer that other functions share; a change of the code uploads 2.0 kB",
            split=_SPLIT,
            merits=_MERITS,
        ),
        Proposal(
            Strategy.S3_BOOTSTRAP,
            62_118_400,
            247_300_118,
            reason="a zip of 1.1 MB; 61.0 MB come from S3 into /tmp at each cold start and leave "
            "270.1 MB of it free",
            bundle=BundleEstimate(1_104_233, 2_212_699, 61_014_167, 245_087_419, 266_752_000),
            merits=_MEASURED,
        ),
        Refusal(Strategy.DIRECT_ZIP, _ZIPPED, _UNZIPPED, limits=(_BROKEN,)),
    ),
    choice=Strategy.S3_ZIP,
    downloaded_bytes=1_490_944,
    attached=(
        LayerWeight("arn:aws:lambda:eu-central-1:123456789012:layer:tools:3", 1_204_551, 4_118_020),
    ),
)

LAYERED_PLAN = msgspec.structs.replace(PLAN, choice=Strategy.LAYERS)

FAILURE = WideloadError(
    "no handler 'app.handler'",
    why="app.py defines main",
    hint="did you mean 'app.main'?",
)

REFUSED_PLAN = Plan(
    function=_NAME,
    target=_TARGET,
    packages=(),
    candidates=(
        Refusal(Strategy.S3_ZIP, _ZIPPED, _UNZIPPED, limits=(_BROKEN,), reasons=("in words",)),
    ),
    choice=None,
    downloaded_bytes=0,
)

MANIFEST = Manifest(
    schema=MANIFEST_SCHEMA,
    function=_NAME,
    strategy=Strategy.S3_ZIP,
    target=_TARGET,
    handler="app.handler",
    settings=Settings(memory=1769, timeout=30, environment={"STAGE": "staging"}),
    artifacts=(Artifact("function", "function.zip", _SHA256, _ZIPPED, _UNZIPPED),),
    files=(
        ManifestFile(
            "numpy/__init__.py",
            25_951,
            "1e5ae0ab3f3b3ee3b3f9c1b8ff8fb8bb65a1ba14a39d3d07fb5f2b3d3f0b47ee",
            "numpy-2.5.5-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        ),
        ManifestFile(
            "app.py",
            4207,
            "9c2f4f7f0b0f3f0bb1b53a28f0b1c9c3fd7f7d1a5dc2f3ad2d9d8e1a7e6b5c4d",
            "source",
        ),
    ),
    wheels=(
        ManifestWheel(
            "boto3",
            "1.44.5",
            "boto3-1.44.5-py3-none-any.whl",
            "5f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a392817065f4e",
            "runtime",
        ),
    ),
    removals=(
        Removal(
            path="boto3/__init__.py",
            rule="runtime/1",
            reason="the runtime carries the AWS SDK",
            package="boto3",
            saved_unzipped=3422,
            saved_zipped=1311,
        ),
    ),
)

LAYERED_MANIFEST = msgspec.structs.replace(
    MANIFEST,
    strategy=Strategy.LAYERS,
    artifacts=(
        Artifact("function", "function.zip", _SHA256, 2_001, 4_207),
        Artifact("layer-1", "layer-1.zip", _SHA256, 15_636_500, 52_837_915, ("numpy",)),
    ),
)

VERDICT = Verdict(
    (
        Check("imports", True, "17 modules import"),
        Check("invoke with event.json", True, "the expected answer in 31 ms after 5807 ms of init"),
    ),
    ("/tmp: has its 512 MB, but in memory: a file system of its own needs root",),
    Used(memory=1769, max_memory=231, ephemeral=512, tmp_bytes=40_960),
)

DEPLOYMENT = DeploymentResult(
    schema=RESULT_SCHEMA,
    function=_NAME,
    strategy=Strategy.S3_ZIP,
    version="2",
    alias="live",
    uploaded_bytes=_ZIPPED,
    instructions=(
        InstructionLine("publish-version", f"publish a new version of {_NAME}"),
        InstructionLine(
            "update-alias", f"move alias live of {_NAME} from version 1 to the new version"
        ),
    ),
)

STATUS = FunctionStatus(
    schema=RESULT_SCHEMA,
    function=_NAME,
    arn=f"arn:aws:lambda:eu-central-1:123456789012:function:{_NAME}",
    strategy=Strategy.S3_ZIP.value,
    state="Active",
    state_reason="",
    last_update="Successful",
    runtime="python3.13",
    architecture="x86_64",
    memory=1769,
    timeout=30,
    code_size=_ZIPPED,
    alias="live",
    version="2",
    versions=(VersionStatus("2", _SHA256_BASE64, _ZIPPED, f"manifest sha256:{_SHA256}", True),),
    url="https://eu-central-1.console.aws.amazon.com/lambda/home"
    f"?region=eu-central-1#/functions/{_NAME}",
    layers=(
        LayerStatus(
            arn="arn:aws:lambda:eu-central-1:123456789012:layer:wideload-36d842f46cf6a87a:1",
            name="wideload-36d842f46cf6a87a",
            version=1,
            size=15_636_500,
            is_own=True,
        ),
    ),
    provisioned=(ProvisionedStatus("2", 3, 3, "READY", ""),),
)

QUOTAS = (
    Quota(
        "layer-count",
        5,
        "layers",
        "layers of a function",
        "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
        "InvalidParameterValueException: Cannot reference more than {} layers.",
    ),
)

EXPLANATION = Explanation(
    name="scipy",
    version="1.18.1",
    paths=(("scikit-learn", "scipy>=1.10.0"),),
    raw_unzipped=111_865_355,
    raw_zipped=35_077_498,
    packed_unzipped=107_987_279,
    packed_zipped=35_317_219,
    freed=("scipy",),
    freed_unzipped=107_987_279,
    freed_zipped=35_317_219,
    ledger=(
        Account(
            "tests/1",
            "left out",
            "part of a test suite, and no code that ships asks for it",
            681,
            17_161_513,
            4_793_071,
        ),
        Account(
            "bytecode/2",
            "added",
            "compiled by the runtime's Python, so that no cold start has to",
            604,
            -13_283_437,
            -5_054_376,
        ),
    ),
)

PROVIDED_EXPLANATION = Explanation(
    name="boto3",
    version="1.44.5",
    paths=(),
    raw_unzipped=0,
    raw_zipped=0,
    packed_unzipped=0,
    packed_zipped=0,
    freed=(),
    freed_unzipped=0,
    freed_zipped=0,
    provided_by="runtime",
)

CAPABILITIES = (
    Capability("memory limit", True, "control groups"),
    Capability("/tmp of its exact size, outside of memory", False, "kept in memory instead"),
)

TRACED = Traced(
    path=Path("recommender.profile.json"),
    profile=Profile(
        schema=PROFILE_SCHEMA,
        function=_NAME,
        target=_TARGET,
        packages=("numpy==2.5.5",),
        events=(TracedEvent("event.json", _SHA256),),
        entries=(),
    ),
    account=(
        PackageUse(
            name="numpy",
            used_files=146,
            used_bytes=41_581_425,
            kept_files=526,
            kept_bytes=49_579_198,
            files=924,
            bytes=52_765_338,
        ),
    ),
)
