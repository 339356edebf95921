"""Real wheels, laid anew: every library loads as before and the packages do their work."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from elf_image import assert_headers_agree, loaded_image
from uv import find_uv_bin

from wideload.slim.elf.guard import Surroundings, check
from wideload.slim.elf.reader import is_elf
from wideload.slim.elf.relay import relay
from wideload.values.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.heavy, pytest.mark.network]

PACKAGES = (
    "cryptography",
    "grpcio",
    "h5py",
    "lxml",
    "matplotlib",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "orjson",
    "pandas",
    "pillow",
    "polars",
    "psycopg2-binary",
    "pyarrow",
    "pydantic-core",
    "pyzmq",
    "scikit-learn",
    "scipy",
    "shapely",
    "tokenizers",
)

USES = {
    "numpy": """
import numpy as np
a = np.arange(16.0).reshape(4, 4) + 9 * np.eye(4)
assert np.allclose(np.linalg.inv(a) @ a, np.eye(4))
assert np.linalg.svd(a)[1].shape == (4,)
assert np.fft.fft(a).shape == (4, 4)
""",
    "scipy": """
import numpy as np
from scipy import integrate, linalg, ndimage, optimize, sparse, special, stats
from scipy.sparse import linalg as sparse_linalg
a = np.arange(16.0).reshape(4, 4) + 9 * np.eye(4)
assert np.allclose(linalg.lu_solve(linalg.lu_factor(a), a @ np.ones(4)), 1)
assert np.allclose(sparse_linalg.spsolve(sparse.csc_matrix(a), a @ np.ones(4)), 1)
assert abs(optimize.minimize(lambda x: (x[0] - 3) ** 2, [0.0]).x[0] - 3) < 1e-4
assert abs(integrate.quad(np.sin, 0, np.pi)[0] - 2) < 1e-9
assert abs(special.gamma(5) - 24) < 1e-9 and stats.norm.cdf(0) == 0.5
ndimage.gaussian_filter(a, 1)
""",
    "scikit-learn": """
import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
x = np.random.default_rng(0).normal(size=(60, 4))
y = (x[:, 0] > 0).astype(int)
for model in (LogisticRegression(), HistGradientBoostingClassifier(max_iter=5), SVC()):
    assert model.fit(x, y).score(x, y) > 0.8
KMeans(2, n_init=1).fit(x)
""",
    "pandas": """
import io
import pandas as pd
frame = pd.read_csv(io.StringIO("a,b,t\\n1,x,2020-01-01\\n3,x,2020-02-01"), parse_dates=["t"])
assert frame.groupby("b").a.sum()["x"] == 4
""",
    "pyarrow": """
import io
import pyarrow as pa, pyarrow.compute as pc, pyarrow.dataset, pyarrow.parquet as pq
table = pa.table({"a": list(range(1000))})
for codec in ("snappy", "zstd", "gzip", "brotli", "lz4"):
    sink = io.BytesIO()
    pq.write_table(table, sink, compression=codec)
    assert pq.read_table(io.BytesIO(sink.getvalue())).equals(table)
assert pc.sum(table["a"]).as_py() == 499500
# Its threads now and then abort the interpreter's end, in the raw wheel as well.
import os
os._exit(0)
""",
    "opencv-python-headless": """
import cv2, numpy as np
image = np.zeros((64, 64, 3), np.uint8)
assert cv2.resize(image, (32, 32)).shape == (32, 32, 3)
for kind in (".jpg", ".png", ".webp"):
    assert cv2.imdecode(cv2.imencode(kind, image)[1], 1).shape == image.shape
""",
    "pillow": """
import io
from PIL import Image, ImageCms, ImageFont
for kind in ("JPEG", "PNG", "WEBP", "TIFF", "JPEG2000"):
    sink = io.BytesIO()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(sink, kind)
    assert Image.open(io.BytesIO(sink.getvalue())).resize((9, 9)).size == (9, 9)
ImageFont.load_default(12)
ImageCms.createProfile("sRGB")
""",
    "lxml": """
from lxml import etree, html
assert etree.fromstring(b'<a><b x="1"/></a>').xpath("//b/@x") == ["1"]
try:
    etree.fromstring(b"<a")
except etree.XMLSyntaxError:
    html.fromstring("<p>x<p>y")
""",
    "cryptography": """
from cryptography.hazmat.primitives.asymmetric import ed25519
key = ed25519.Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"x"), b"x")
""",
    "grpcio": """
from concurrent import futures
import grpc
class Reverse(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request[::-1])
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Reverse(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    assert channel.unary_unary("/a/b")(b"abc", timeout=20) == b"cba"
server.stop(0).wait()
""",
    "shapely": """
import shapely
from shapely import Point, wkt
assert 3 < Point(0, 0).buffer(1).area < 3.2
try:
    wkt.loads("JUNK")
except shapely.errors.GEOSException:
    pass
""",
    "psycopg2-binary": """
import psycopg2
try:
    psycopg2.connect("host=127.0.0.1 port=1 sslmode=require connect_timeout=2")
except psycopg2.OperationalError as error:
    assert "refused" in str(error)
""",
    "onnxruntime": """
import onnxruntime
assert "CPUExecutionProvider" in onnxruntime.get_available_providers()
""",
    "tokenizers": """
from tokenizers import Tokenizer, models, trainers
tokenizer = Tokenizer(models.BPE())
tokenizer.train_from_iterator(["hello world"] * 5, trainers.BpeTrainer(vocab_size=50))
assert tokenizer.encode("hello").tokens
""",
    "matplotlib": """
import io, os, tempfile
os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp()
import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot
pyplot.plot([1, 2])
sink = io.BytesIO()
pyplot.savefig(sink)
assert sink.getvalue()[:4] == b"\\x89PNG"
""",
    "polars": """
import polars
frame = polars.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]})
assert frame.group_by("b").agg(polars.col("a").sum()).height == 2
""",
    "h5py": """
import os, tempfile
import h5py
path = os.path.join(tempfile.mkdtemp(), "x.h5")
with h5py.File(path, "w") as file:
    file.create_dataset("a", data=list(range(100)), compression="gzip")
with h5py.File(path) as file:
    assert file["a"][99] == 99
""",
    "pyzmq": """
import zmq
with zmq.Context() as context:
    with context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
        one.bind("inproc://x")
        two.connect("inproc://x")
        one.send(b"1")
        assert two.recv() == b"1"
""",
    "orjson": """
import orjson
assert orjson.loads(orjson.dumps({"a": [1, 2.5]})) == {"a": [1, 2.5]}
""",
    "pydantic-core": """
from pydantic_core import SchemaValidator, core_schema
assert SchemaValidator(core_schema.int_schema()).validate_json("1") == 1
""",
}

_LOAD_ALL = """
import ctypes, os, sys
for path in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            ctypes.CDLL(path, mode=os.RTLD_NOW)
            os.write(1, b"loads\\n")
        except OSError as error:
            os.write(1, f"{error}\\n".encode())
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        os.write(1, b"crashes\\n")
"""


def install(folder: Path, *options: str, packages: tuple[str, ...] = PACKAGES) -> None:
    subprocess.run(
        [
            *(find_uv_bin(), "pip", "install", "--quiet", "--only-binary", ":all:"),
            *("--target", str(folder), *options, *packages),
        ],
        check=True,
    )


def libraries(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.so*")):
        data = path.read_bytes()
        if is_elf(data):
            yield path.relative_to(folder).as_posix(), data


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels") / "raw"
    install(folder, "--python", sys.executable)
    return folder


@pytest.fixture(scope="module", params=[None, 0x1000], ids=["kept", "lowered"])
def relaid(raw: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = raw.parent / f"relaid-{request.param}"
    shutil.copytree(raw, folder)
    for name, data in libraries(raw):
        result = relay(data, page=request.param)
        assert result.changed, f"{name}: {result.reason}"
        (folder / name).write_bytes(result.data)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_works(relaid: Path, package: str) -> None:
    code = f"import sys\nsys.path.insert(0, {str(relaid)!r})\n{USES[package]}"
    run = subprocess.run(
        [sys.executable, "-B", "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_every_library_loads_as_before(raw: Path, relaid: Path) -> None:
    names = [name for name, _ in libraries(raw)]
    assert len(names) > 300

    def outcomes(folder: Path) -> list[str]:
        run = subprocess.run(
            [sys.executable, "-I", "-c", _LOAD_ALL, *(str(folder / name) for name in names)],
            capture_output=True,
            text=True,
            check=True,
        )
        return run.stdout.replace(str(folder), "").splitlines()

    assert outcomes(relaid) == outcomes(raw)


def test_the_memory_image_of_arm64_libraries_stays(tmp_path: Path) -> None:
    packages = ("lxml", "numpy", "pandas", "pillow", "psycopg2-binary", "scipy")
    platform = ("--python-version", "3.13", "--python-platform", "aarch64-manylinux_2_34")
    install(tmp_path, *platform, packages=packages)
    found = 0
    for name, data in libraries(tmp_path):
        for page in (None, 0x1000):
            result = relay(data, page=page)
            assert result.changed, f"{name}: {result.reason}"
            assert loaded_image(result.data) == loaded_image(data), name
            assert_headers_agree(data, result.data)
            found += 1
    assert found > 150


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_guard_has_nothing_to_say(tmp_path: Path, architecture: str) -> None:
    target = Target.parse("python3.13", architecture)
    install(tmp_path, "--python-version", "3.13", "--python-platform", target.uv_platform)
    around = Surroundings.of(name for name, _ in libraries(tmp_path))
    for name, data in libraries(tmp_path):
        assert check(data, name, target, around) == ()
