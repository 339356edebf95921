"""What people do today to start a function from S3, in a form that works.

The first is the bootstrap that is handed about on question pages: the SDK's `download_file`,
`unzip` and `os.system` within the handler. The second is Zappa's slim handler: a tar.gz is
streamed and unpacked while the module is imported. Both tell their phases as the loader does.
"""

from __future__ import annotations

PLAIN_MODULE = "wideload_plain"
SHELL_MODULE = "wideload_shell"
STREAM_MODULE = "wideload_stream"

_TELL = """
def tell(**phases):
    print(json.dumps({"wideload": {"phases": phases}}), flush=True)
"""

PLAIN = (
    '''"""The function as it is, its import timed."""
import importlib, json, os, time
'''
    + _TELL
    + """
began = time.perf_counter()
module, _, name = os.environ["BENCH_HANDLER"].rpartition(".")
function = getattr(importlib.import_module(module.replace("/", ".")), name)
tell(**{"import": (time.perf_counter() - began) * 1000})

def handler(event, context):
    return function(event, context)
"""
)

SHELL = (
    '''"""download_file, unzip, os.system."""
import json, os, sys, time
import boto3
'''
    + _TELL
    + """
s3 = boto3.client("s3")

def handler(event, context):
    began = time.perf_counter()
    package = "/tmp/function.zip"
    s3.download_file(os.environ["BENCH_BUCKET"], os.environ["BENCH_KEY"], package)
    fetched = time.perf_counter()
    if os.system(f"unzip -q -o {package} -d /tmp/function"):
        raise RuntimeError("unzip failed")
    unpacked = time.perf_counter()
    with open("/tmp/event.json", "w") as file:
        json.dump(event, file)
    if os.system(f"{sys.executable} /var/task/main.py"):
        raise RuntimeError("the application failed")
    with open("/tmp/answer.json") as file:
        answer = json.load(file)
    tell(
        fetch=(fetched - began) * 1000,
        unpack=(unpacked - fetched) * 1000,
        **{"import": answer["import"], "handler": answer["handler"]},
    )
    return answer["answer"]
"""
)

SHELL_MAIN = '''"""The application that the shell is told to start."""
import importlib, json, os, sys, time
began = time.perf_counter()
sys.path.insert(0, "/tmp/function")
os.chdir("/tmp/function")
module, _, name = os.environ["BENCH_HANDLER"].rpartition(".")
function = getattr(importlib.import_module(module.replace("/", ".")), name)
imported = time.perf_counter()
with open("/tmp/event.json") as file:
    event = json.load(file)
answer = function(event, None)
done = time.perf_counter()
with open("/tmp/answer.json", "w") as file:
    spent = {"import": (imported - began) * 1000, "handler": (done - imported) * 1000}
    json.dump({"answer": answer, **spent}, file)
'''

STREAM = (
    '''"""A tar.gz, streamed into /tmp while the module is imported."""
import importlib, json, os, sys, tarfile, time
import boto3
'''
    + _TELL
    + """
folder = "/tmp/function"
began = time.perf_counter()
# Whether the folder is there says nothing: an init that ran out may have begun it.
if not os.path.exists("/tmp/function.complete"):
    body = boto3.client("s3").get_object(
        Bucket=os.environ["BENCH_BUCKET"], Key=os.environ["BENCH_KEY"]
    )["Body"]
    connected = time.perf_counter()
    with tarfile.open(fileobj=body, mode="r|gz") as archive:
        archive.extractall(folder)
    open("/tmp/function.complete", "w").close()
else:
    connected = began
unpacked = time.perf_counter()
sys.path.insert(0, folder)
module, _, name = os.environ["BENCH_HANDLER"].rpartition(".")
function = getattr(importlib.import_module(module.replace("/", ".")), name)
tell(
    connect=(connected - began) * 1000,
    unpack=(unpacked - connected) * 1000,
    **{"import": (time.perf_counter() - unpacked) * 1000},
)

def handler(event, context):
    return function(event, context)
"""
)
