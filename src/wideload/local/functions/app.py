"""The embedded Lambda as a WSGI application."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.model import StructureShape
from werkzeug.wrappers import Request, Response

from wideload.local.functions import (
    account,
    aliases,
    body,
    concurrency,
    container_images,
    downloads,
    event_configs,
    functions,
    layer_permissions,
    layers,
    permissions,
    provisioning,
    routes,
    snapshots,
    tags,
    versions,
)
from wideload.local.functions.blobs import Blobs
from wideload.local.functions.concurrency import Slots
from wideload.local.functions.events import RETRY_DELAYS, Events
from wideload.local.functions.faults import LambdaFault, not_embedded
from wideload.local.functions.invocations import Invocations
from wideload.local.functions.names import Place
from wideload.local.functions.pool import Pool
from wideload.local.functions.service import Call, Reply, Service, fresh_id
from wideload.local.functions.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from wideload.local.boundaries import FileSystems, Images, Logs, Objects, Roles
    from wideload.values.environment import Sandbox

_SETTLE = 0.25
_log = logging.getLogger(__name__)


class FunctionsApp:
    """Answers Lambda's API; made by :func:`create`.

    The caller's account, region and ARN are in the WSGI environ as ``wideload.account``,
    ``wideload.region`` and ``wideload.principal``. Paths below `downloads.PREFIX` need none.
    """

    def __init__(self, service: Service, events: Events, invocations: Invocations) -> None:
        self._service = service
        self._events = events
        self._resume_once = threading.Lock()
        self._operations: dict[str, Callable[[Service, Call], dict[str, Any] | Reply | None]] = {
            "CreateFunction": functions.create,
            "GetFunction": functions.get,
            "GetFunctionConfiguration": functions.get_configuration,
            "UpdateFunctionCode": functions.update_code,
            "UpdateFunctionConfiguration": functions.update_configuration,
            "DeleteFunction": functions.delete,
            "ListFunctions": functions.list_all,
            "PublishVersion": versions.publish,
            "ListVersionsByFunction": versions.list_by_function,
            "CreateAlias": aliases.create,
            "GetAlias": aliases.get,
            "UpdateAlias": aliases.update,
            "DeleteAlias": aliases.delete,
            "ListAliases": aliases.list_all,
            "PublishLayerVersion": layers.publish,
            "GetLayerVersion": layers.get,
            "GetLayerVersionByArn": layers.get_by_arn,
            "ListLayers": layers.list_all,
            "ListLayerVersions": layers.list_versions,
            "DeleteLayerVersion": layers.delete,
            "AddLayerVersionPermission": layer_permissions.add,
            "RemoveLayerVersionPermission": layer_permissions.remove,
            "GetLayerVersionPolicy": layer_permissions.get,
            "AddPermission": permissions.add,
            "RemovePermission": permissions.remove,
            "GetPolicy": permissions.get,
            "GetAccountSettings": account.settings,
            "GetFunctionCodeSigningConfig": account.code_signing,
            "GetRuntimeManagementConfig": account.runtime_management,
            "PutRuntimeManagementConfig": account.put_runtime_management,
            "GetFunctionRecursionConfig": account.recursion,
            "PutFunctionRecursionConfig": account.put_recursion,
            "TagResource": tags.add,
            "UntagResource": tags.remove,
            "ListTags": tags.list_all,
            "PutFunctionConcurrency": concurrency.put,
            "GetFunctionConcurrency": concurrency.get,
            "DeleteFunctionConcurrency": concurrency.delete,
            "PutProvisionedConcurrencyConfig": provisioning.put,
            "GetProvisionedConcurrencyConfig": provisioning.get,
            "DeleteProvisionedConcurrencyConfig": provisioning.delete,
            "ListProvisionedConcurrencyConfigs": provisioning.list_all,
            "PutFunctionEventInvokeConfig": event_configs.put,
            "UpdateFunctionEventInvokeConfig": event_configs.update,
            "GetFunctionEventInvokeConfig": event_configs.get,
            "DeleteFunctionEventInvokeConfig": event_configs.delete,
            "ListFunctionEventInvokeConfigs": event_configs.list_all,
            "Invoke": lambda _, call: invocations.invoke(events, call),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        self._resume()
        request = Request(environ)
        if request.path.startswith(downloads.PREFIX):
            return self._service.downloads.answer(request)(environ, start_response)
        try:
            response = self._answer(request)
        except LambdaFault as fault:
            response = _told(fault)
        except Exception as error:
            _log.exception("%s %s", request.method, request.path)
            response = _told(
                LambdaFault(
                    "ServiceException", f"{type(error).__name__}: {error}", 500, kind="Service"
                )
            )
        response.headers.setdefault("x-amzn-RequestId", fresh_id())
        return response(environ, start_response)

    def close(self) -> None:
        """End all execution environments; what is queued waits for the next start."""
        self._events.close()
        self._service.pool.close()

    def _resume(self) -> None:
        # Environments are told the endpoint, which is not known before requests come in.
        if not self._resume_once.acquire(blocking=False):
            return
        self._events.resume()
        for function in self._service.store.functions:
            container_images.pull(self._service, function)
            provisioning.keep(self._service, function)
            for version in function.versions.values():
                snapshots.take(self._service, function, version)

    def _answer(self, request: Request) -> Response:
        operation, path_members = routes.find(request.method, request.path, request.args)
        handler = self._operations.get(operation.name)
        if handler is None:
            raise not_embedded(operation.name)
        call = Call(
            operation.name,
            body.parameters(operation, request, path_members),
            Place(request.environ["wideload.account"], request.environ["wideload.region"]),
            request.environ["wideload.principal"],
        )
        answer = handler(self._service, call)
        if isinstance(answer, Reply):
            return Response(answer.body, answer.status, answer.headers, mimetype="application/json")
        if answer is None:
            return Response(status=204)
        status = operation.http.get("responseCode", 200)
        return Response(json.dumps(answer), status, mimetype="application/json")


def create(
    state: Path,
    objects: Objects,
    roles: Roles,
    logs: Logs,
    file_systems: FileSystems,
    images: Images,
    sandbox: Sandbox,
    endpoint_url: Callable[[], str],
    *,
    clock: Callable[[], float] = time.time,
    settle: float = _SETTLE,
    retry_delays: tuple[float, ...] = RETRY_DELAYS,
    memory: int | None = None,
) -> FunctionsApp:
    """The embedded Lambda, with what it remembers in a folder of its own in `state`.

    :param endpoint_url: where the embedded AWS is reached, asked for when it is needed.
    :param clock: seconds since 1970.
    :param settle: seconds that a function stays Pending, or a change of it InProgress.
    :param retry_delays: seconds before each retry of an asynchronous invocation.
    :param memory: MB that execution environments may take together; this machine's by default.
    :raises WideloadError: what is in `state` cannot be read.
    """
    state = state / "lambda"
    store = Store(state)
    blobs = Blobs(state)
    service = Service(
        store=store,
        blobs=blobs,
        pool=Pool(sandbox, logs, memory=memory),
        objects=objects,
        roles=roles,
        file_systems=file_systems,
        images=images,
        downloads=downloads.Downloads(state, blobs, endpoint_url, clock),
        endpoint_url=endpoint_url,
        settle=settle,
        clock=clock,
    )
    service.collect()
    invocations = Invocations(service, Slots(store))
    events = Events(state, service, invocations, retry_delays)
    return FunctionsApp(service, events, invocations)


def _told(fault: LambdaFault) -> Response:
    document: dict[str, Any] = {_message_member(fault.code): fault.message}
    if fault.kind is not None:
        document["Type"] = fault.kind
    document.update(fault.members)
    return Response(
        json.dumps(document),
        fault.status,
        {"x-amzn-ErrorType": fault.code},
        mimetype="application/json",
    )


def _message_member(code: str) -> str:
    # Some of the model's errors have `Message`, others `message`.
    for shape in routes.service_model().error_shapes:
        if isinstance(shape, StructureShape) and shape.name == code:
            return "Message" if "Message" in shape.members else "message"
    return "message"
