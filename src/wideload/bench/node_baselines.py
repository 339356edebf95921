"""What people do today to start a function in Node.js from S3, in a form that works.

It is the bootstrap that is handed about: within the handler the SDK's `GetObject`, all of it
held in memory, then written, then an unzip library, then another `node` that runs the
application. The SDK is of today's version, and the library a kept one of its kind.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.cache import made_once
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from wideload.nodejs import Node

PLAIN_HANDLER = "/opt/nodejs/wideload_plain.handler"
PLAIN_FILE = "nodejs/wideload_plain.mjs"
SHELL_MODULE = "wideload_shell"

_PACKAGES = Path(__file__).parent / "node_baseline"
_TELL = """
function tell(phases) {
  process.stdout.write(`${JSON.stringify({ wideload: { phases } })}\\n`);
}
"""

PLAIN = (
    """// The function as it is, its import timed.
import { findHandler } from "/var/runtime/handler.mjs";
"""
    + _TELL
    + """
const began = performance.now();
export const handler = await findHandler(process.env.LAMBDA_TASK_ROOT, process.env.BENCH_HANDLER);
tell({ import: performance.now() - began });
"""
)

SHELL = (
    """// GetObject, unzip, spawn.
import { spawn } from "node:child_process";
import fs from "node:fs";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import unzipper from "unzipper";
"""
    + _TELL
    + """
const s3 = new S3Client({ forcePathStyle: true });

export const handler = async (event) => {
  const began = performance.now();
  const place = { Bucket: process.env.BENCH_BUCKET, Key: process.env.BENCH_KEY };
  const data = await s3.send(new GetObjectCommand(place));
  fs.writeFileSync("/tmp/function.zip", await data.Body.transformToByteArray());
  const fetched = performance.now();
  // Its stream ends before the last files are there.
  const archive = await unzipper.Open.file("/tmp/function.zip");
  await archive.extract({ path: "/tmp/function", concurrency: 8 });
  const unpacked = performance.now();
  fs.writeFileSync("/tmp/event.json", JSON.stringify(event));
  await new Promise((done, failed) => {
    const child = spawn("node", ["/var/task/main.mjs"], { cwd: "/tmp/function" });
    child.stdout.on("data", (text) => console.log(`stdout: ${text}`));
    let errors = "";
    child.stderr.on("data", (text) => (errors += text));
    child.on("close", (code) => {
      if (code) failed(new Error(`it ended with ${code}: ${errors.slice(-400)}`));
      else done();
    });
  });
  const { answer, ...spent } = JSON.parse(fs.readFileSync("/tmp/answer.json", "utf8"));
  tell({ fetch: fetched - began, unpack: unpacked - fetched, ...spent });
  return answer;
};
"""
)

SHELL_MAIN = """// The application that is started beside.
import fs from "node:fs";
import { findHandler } from "/var/runtime/handler.mjs";

const began = performance.now();
const handler = await findHandler("/tmp/function", process.env.BENCH_HANDLER);
const imported = performance.now();
const answer = await handler(JSON.parse(fs.readFileSync("/tmp/event.json", "utf8")), {});
const spent = { import: imported - began, handler: performance.now() - imported };
fs.writeFileSync("/tmp/answer.json", JSON.stringify({ answer, ...spent }));
process.exit();
"""


def shell_packages(folder: Path, node: Node) -> Path:
    """A folder with the packages that `SHELL` imports, as npm installs them.

    :param folder: where it is to lie; what is there already is taken.
    :raises WideloadError: npm is not there, or cannot install them.
    """
    return made_once(folder, lambda made: _install(made, node))


def _install(folder: Path, node: Node) -> None:
    if not node.npm:
        raise WideloadError(
            "there is no npm to install what the bench compares with",
            why=f"none lies beside {node.executable}",
            hint="install it, or name the ways to measure with --way",
        )
    shutil.copytree(_PACKAGES, folder)
    words = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(
        [node.executable, node.npm, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if installed.returncode != 0:
        raise WideloadError(
            "what the bench compares with cannot be installed", why=installed.stderr.strip()
        )
