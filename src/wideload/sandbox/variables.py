"""The environment variables of a function: Lambda's own and the user's."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wideload.values.target import Family

if TYPE_CHECKING:
    from wideload.values.environment import EnvironmentSpec


def variables(spec: EnvironmentSpec, runtime_api: str, own: dict[str, str]) -> dict[str, str]:
    """All variables that the runtime's process starts with, and no others.

    :param own: those that the runtime sets itself, which a user may set otherwise.

    The names and which of them a user may set are those of
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{spec.version}]{secrets.token_hex(16)}"
    settable = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **own,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    }
    if spec.endpoint:
        settable["AWS_ENDPOINT_URL"] = spec.endpoint
    reserved = {
        "AWS_REGION": spec.region,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_LAMBDA_FUNCTION_NAME": spec.function,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": spec.initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.function}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        **spec.credentials,
    }
    if spec.container is None:
        # An image takes its handler from its command.
        reserved["_HANDLER"] = spec.handler
    if spec.container is None and spec.target.family is not Family.PROVIDED:
        reserved["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{spec.target.runtime}"
    return settable | spec.environment | reserved
