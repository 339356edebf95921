"""What a function sees of its machine, and what it does not."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wideload.errors import WideloadError
from wideload.sandbox import LinuxSandbox, root
from wideload.values.environment import EnvironmentSpec, Mount
from wideload.values.target import Target

if TYPE_CHECKING:
    from sandbox_fixtures import Starter

    from wideload.sandbox.environment import LinuxEnvironment

pytest_plugins = ("sandbox_fixtures",)
pytestmark = pytest.mark.sandbox

EVALUATE = """
import os, sys
def handler(event, context):
    return eval(event)
"""


def evaluate(environment: LinuxEnvironment, expression: str) -> Any:
    """The value of an expression inside, or the name of the exception that it raises."""
    answer = environment.invoke(json.dumps(expression).encode(), "id")
    document = json.loads(answer.payload)
    return document["errorType"] if answer.function_error else document


def test_the_environment_is_lambdas_and_nothing_else(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    environment = start(
        EVALUATE,
        memory=512,
        version="7",
        credentials={"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"},
        environment={"MINE": "1", "AWS_REGION": "elsewhere", "TZ": "Europe/Vienna"},
    )
    variables = evaluate(environment, "dict(os.environ)")
    assert variables.pop("_X_AMZN_TRACE_ID").startswith("Root=1-")
    stream = variables.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    assert "/[7]" in stream
    assert variables == {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/probe",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "us-east-1",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:"
        "/var/task:/var/task/lib:/opt/lib",
        "MINE": "1",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "PWD": "/var/task",
        "TZ": "Europe/Vienna",
        "_HANDLER": "app.handler",
    }


def test_the_file_system_is_a_small_read_only_one(start: Starter, tmp_path: Path) -> None:
    environment = start(EVALUATE)
    assert evaluate(environment, "sorted(os.listdir('/'))") == sorted(
        {"dev", "etc", "opt", "proc", "sys", "tmp", "usr", "var"}
        | {
            name
            for name in ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
            if Path(f"/{name}").exists()
        }
    )
    for path in (tmp_path, Path.home(), Path(__file__)):
        assert evaluate(environment, f"os.path.exists({str(path)!r})") is False
    for folder in ("/", "/var/task", "/opt", "/var/lang", "/var/runtime", "/usr", "/etc", "/dev"):
        assert evaluate(environment, f"open('{folder}/written', 'w')") == "OSError"
    assert evaluate(environment, "open('/tmp/written', 'w').write('x')") == 1
    assert evaluate(environment, "os.stat('/tmp').st_mode & 0o777") == 0o700
    assert evaluate(environment, "os.getcwd()") == "/var/task"
    assert evaluate(environment, "(os.getuid(), os.getgid())") == [993, 990]
    assert (
        evaluate(environment, "__import__('pwd').getpwuid(os.getuid()).pw_name") == "sbx_user1051"
    )
    # As in Lambda, multiprocessing's locks and queues are not to be had.
    assert evaluate(environment, "__import__('multiprocessing').Lock()") != "Lock"
    assert evaluate(environment, "os.path.exists('/dev/shm')") is False


def test_nothing_of_ours_is_left_open_inside(start: Starter) -> None:
    links = evaluate(
        start(EVALUATE),
        "[os.readlink(f'/proc/self/fd/{n}') for n in range(3, 100)"
        " if os.path.lexists(f'/proc/self/fd/{n}')]",
    )
    assert all(link.startswith("socket:") for link in links), links  # the runtime's client


def test_processes_of_the_host_are_not_seen(start: Starter) -> None:
    pids = evaluate(start(EVALUATE), "[int(n) for n in os.listdir('/proc') if n.isdigit()]")
    assert max(pids) < 10


def test_cpus_seen_are_those_of_the_memory_size(start: Starter) -> None:
    assert evaluate(start(EVALUATE, memory=512), "os.cpu_count()") == 2
    assert evaluate(start(EVALUATE, memory=4096), "os.cpu_count()") == 3


def test_sys_path_is_in_lambdas_order(start: Starter) -> None:
    expected = [
        "/var/task",
        "/opt/python/lib/python3.13/site-packages",
        "/opt/python",
        "/var/lang/lib/python3.13/site-packages",
        "/var/runtime",
        "/var/lang/lib/python313.zip",
        "/var/lang/lib/python3.13",
    ]
    assert evaluate(start(EVALUATE), "sys.path")[:7] == expected


def test_a_pythonpath_takes_the_layers_off_the_path(start: Starter) -> None:
    path = evaluate(start(EVALUATE, environment={"PYTHONPATH": "/var/task/vendor"}), "sys.path")
    assert path[0] == "/var/task"
    assert "/var/task/vendor" in path
    assert not [entry for entry in path if entry.startswith("/opt")]


def test_pth_files_of_the_function_count(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "task" / "vendored").mkdir(parents=True)
    (tmp_path / "task" / "vendored" / "deep.py").write_text("x = 5")
    (tmp_path / "task" / "vendor.pth").write_text("vendored\n")
    assert evaluate(start(EVALUATE), "__import__('deep').x") == 5


def test_the_runtimes_sdk_is_there_and_the_functions_own_wins(
    start: Starter, tmp_path: Path
) -> None:
    assert evaluate(start(EVALUATE), "__import__('boto3').__file__") == (
        "/var/lang/lib/python3.13/site-packages/boto3/__init__.py"
    )
    (tmp_path / "task" / "boto3.py").write_text("")
    assert evaluate(start(EVALUATE), "__import__('boto3').__file__") == "/var/task/boto3.py"


def make_layers(folder: Path) -> tuple[str, ...]:
    """Three layers that share folders, and hide each other's files and folders."""
    first, second, third = (folder / name for name in ("a:1", "b,2", "c\\3"))
    files = {
        first: {
            "python/shared.py": "1",
            "python/only1.py": "1",
            "x/deep": "1",
            "y": "1",
            "z/1": "",
        },
        second: {"python/shared.py": "2", "python/p/two.py": "2", "x/deep": "2", "y/2": "2"},
        third: {"python/shared.py": "3", "python/p/three.py": "3", "z": "3"},
    }
    for layer, contents in files.items():
        for name, text in contents.items():
            path = layer / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    (third / "link").symlink_to("python/shared.py")
    return str(first), str(second), str(third)


WALK = (
    "sorted((os.path.join(at, name)[5:], open(os.path.join(at, name)).read())"
    " for at, _, names in os.walk('/opt') for name in names)"
)
LAID = [
    ["link", "3"],
    ["python/only1.py", "1"],
    ["python/p/three.py", "3"],
    ["python/p/two.py", "2"],
    ["python/shared.py", "3"],
    ["x/deep", "2"],
    ["y/2", "2"],
    ["z", "3"],
]


def test_layers_are_laid_over_each_other_in_order(start: Starter, tmp_path: Path) -> None:
    environment = start(EVALUATE, layers=make_layers(tmp_path))
    assert evaluate(environment, WALK) == LAID
    assert evaluate(environment, "__import__('shared').__file__") == "/opt/python/shared.py"
    assert evaluate(environment, "open('/opt/python/new', 'w')") == "OSError"


def test_binding_lays_layers_as_overlayfs_does(tmp_path: Path) -> None:
    walk = 'cd /opt; find . ! -type d | sort | while read f; do echo "$f $(cat "$f")"; done'
    said = subprocess.run(
        [
            *("bwrap", "--ro-bind", "/", "/", "--tmpfs", "/opt"),
            *(*root.layered(make_layers(tmp_path)), "--", "/bin/sh", "-c", walk),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines() == [f"./{path} {text}" for path, text in LAID]


def test_one_layer_alone(start: Starter, tmp_path: Path) -> None:
    first, *_ = make_layers(tmp_path)
    assert ["x/deep", "1"] in evaluate(start(EVALUATE, layers=(first,)), WALK)


def test_mounts_are_shared_with_the_host(start: Starter, tmp_path: Path) -> None:
    shared, fixed = tmp_path / "shared", tmp_path / "fixed"
    shared.mkdir()
    fixed.mkdir()
    (fixed / "model").write_text("m")
    environment = start(
        EVALUATE,
        mounts=(
            Mount(str(shared), "/mnt/shared"),
            Mount(str(fixed), "/mnt/fixed", read_only=True),
        ),
    )
    assert evaluate(environment, "open('/mnt/shared/out', 'w').write('abc')") == 3
    assert (shared / "out").read_text() == "abc"
    assert evaluate(environment, "open('/mnt/fixed/model').read()") == "m"
    assert evaluate(environment, "open('/mnt/fixed/model', 'w')") == "OSError"


def test_environments_keep_globals_and_tmp_and_share_neither(start: Starter) -> None:
    source = """
        import os
        calls = 0
        def handler(event, context):
            global calls
            calls += 1
            open(f"/tmp/{calls}", "w").close()
            return [calls, sorted(os.listdir("/tmp"))]
    """
    one, other = start(source), start(source)
    assert one.invoke(b"{}", "id-1").payload == b'[1, ["1"]]'
    assert one.invoke(b"{}", "id-2").payload == b'[2, ["1", "2"]]'
    assert other.invoke(b"{}", "id-3").payload == b'[1, ["1"]]'


class _Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"hello {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a web server on the host's loopback interface."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running.server_port
        running.shutdown()


FETCH = "__import__('urllib.request').request.urlopen({!r}, timeout=5).read().decode()"


def test_no_network_is_reached(start: Starter, server: int) -> None:
    environment = start(EVALUATE)
    assert evaluate(environment, FETCH.format(f"http://127.0.0.1:{server}")) == "URLError"
    assert evaluate(environment, FETCH.format("http://example.com")) == "URLError"
    assert evaluate(environment, "[name for _, name in __import__('socket').if_nameindex()]") == [
        "lo"
    ]


def test_the_endpoint_is_reached_under_its_own_url(start: Starter, server: int) -> None:
    url = f"http://127.0.0.1:{server}"
    environment = start(EVALUATE, endpoint=url)
    assert evaluate(environment, "os.environ['AWS_ENDPOINT_URL']") == url
    assert evaluate(environment, FETCH.format(url)) == f"hello 127.0.0.1:{server}"
    assert evaluate(environment, "__import__('boto3').client('s3').meta.endpoint_url") == url


def test_allowed_hosts_are_reached_by_name(start: Starter, server: int) -> None:
    environment = start(EVALUATE, network=(f"localhost:{server}", "api.example.com"))
    # By its number, for inside the name has a nearer meaning of its own.
    assert evaluate(environment, FETCH.format(f"http://127.1.0.1:{server}")).startswith("hello")
    assert evaluate(environment, FETCH.format(f"http://127.1.0.2:{server}")) == "URLError"
    resolve = "__import__('socket').gethostbyname('api.example.com')"
    assert evaluate(environment, resolve) == "127.1.0.2"


def test_the_whole_network_when_that_is_asked_for(start: Starter, server: int) -> None:
    environment = start(EVALUATE, network=("*",))
    assert evaluate(environment, FETCH.format(f"http://127.0.0.1:{server}")).startswith("hello")


def test_large_bodies_go_through_the_endpoint(start: Starter) -> None:
    size = 32 << 20

    class Large(_Hello):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Large) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{running.server_port}"
        expression = (
            f"(lambda body: __import__('urllib.request').request.urlopen({url!r}, data=body)"
            f".read() == body)(os.urandom({size}))"
        )
        assert evaluate(start(EVALUATE, endpoint=url, timeout=20), expression) is True
        running.shutdown()


def test_between_invocations_nothing_runs(start: Starter) -> None:
    environment = start(
        """
        import threading, time
        ticks = 0
        def tick():
            global ticks
            while True:
                ticks += 1
                time.sleep(0.01)
        threading.Thread(target=tick, daemon=True).start()
        def handler(event, context):
            before = ticks
            time.sleep(event)
            return [before, ticks]
        """
    )
    _, before = json.loads(environment.invoke(b"0.1", "id-1").payload)
    threading.Event().wait(0.5)
    after, _ = json.loads(environment.invoke(b"0", "id-2").payload)
    assert before >= 3
    assert after - before <= 5  # of some fifty


def test_cpu_time_is_that_of_the_memory_size(start: Starter) -> None:
    source = """
        import time
        began = time.process_time()
        while time.process_time() < began + 0.2: pass
        def handler(event, context):
            began, cpu = time.perf_counter(), time.process_time()
            while time.process_time() < cpu + 0.05: pass
            return time.perf_counter() - began
    """
    environment = start(source, memory=256, timeout=10)
    answer = environment.invoke(b"{}", "id-1")
    # 0.05 s of 256/1769 vCPUs take 0.35 s; init has whole CPUs.
    assert float(answer.payload) > 0.25
    assert answer.init_ms is not None
    assert answer.init_ms < 1300  # 0.2 s of it would take 1.38 s


def test_a_wrapper_script_starts_the_runtime(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    script = tmp_path / "task" / "wrap"
    script.write_text('#!/bin/sh\nexport WRAPPED="$1"\nexec "$@"\n')
    script.chmod(0o755)
    environment = start(EVALUATE, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"})
    assert evaluate(environment, "os.environ['WRAPPED']") == "/var/lang/bin/python3.13"


def test_the_client_context_arrives(start: Starter) -> None:
    environment = start(
        "def handler(event, context):\n    return context.client_context.custom['k']\n"
    )
    answer = environment.invoke(b"{}", "id-1", client_context='{"custom": {"k": "v"}}')
    assert answer.payload == b'"v"'


def test_another_architecture_is_refused(
    sandbox: LinuxSandbox, spec_of: Callable[..., EnvironmentSpec]
) -> None:
    other = "arm64" if os.uname().machine == "x86_64" else "x86_64"
    with pytest.raises(WideloadError, match=other):
        sandbox.start(spec_of("", target=Target.parse("python3.13", other)))


def test_a_folder_that_is_not_there_is_refused(
    sandbox: LinuxSandbox, spec_of: Callable[..., EnvironmentSpec]
) -> None:
    with pytest.raises(WideloadError, match="no such folder"):
        sandbox.start(spec_of("", layers=("/nowhere",)))
