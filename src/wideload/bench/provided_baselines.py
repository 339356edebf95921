"""What people do today to start a large executable from S3, in a form that works.

The bootstrap that is handed about for executables: fetch a zip with one GET, unpack it, run what
was in it. It tells its phases as the loader does. Where it was written down it does all this at
each invocation, in a program of its own; here at the start, as a runtime's bootstrap.
"""

from __future__ import annotations

SHELL_BOOTSTRAP = """#!/bin/sh
# curl, unzip, exec.
set -eu
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
began=$(milliseconds)
curl --silent --show-error --fail --output /tmp/function.zip \\
    --aws-sigv4 "aws:amz:$AWS_REGION:s3" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
    --header "x-amz-security-token: ${AWS_SESSION_TOKEN:-}" \\
    --header "x-amz-content-sha256: UNSIGNED-PAYLOAD" \\
    "$AWS_ENDPOINT_URL/$BENCH_BUCKET/$BENCH_KEY"
fetched=$(milliseconds)
unzip -q -o /tmp/function.zip -d /tmp/function
unpacked=$(milliseconds)
printf '{"wideload": {"phases": {"fetch": %d, "unpack": %d}}}\\n' \\
    $((fetched - began)) $((unpacked - fetched))
cd /tmp/function
exec ./bootstrap
"""
