"""ECR's API: of repositories moto's, of what lies in them and of logins our own."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import msgspec
from moto.ecr.models import ecr_backends

from wideload.errors import WideloadError
from wideload.local.control import Answer, operation
from wideload.local.faults import Fault
from wideload.local.images.stored import StoredImages
from wideload.local.images.tokens import USER, Registry, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.local.control import Control
    from wideload.local.images.process import RegistryProcess
    from wideload.local.images.stored import StoredImage
    from wideload.local.journal import Call

_TYPE = (("Content-Type", "application/x-amz-json-1.1"),)
# Images are pushed by the distribution protocol; only AWS's own tools know these.
_PUSHES = frozenset(
    {
        *("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"),
        "GetDownloadUrlForLayer",
    }
)


class ContainerRegistry:
    """Answers calls of ECR; a `Repositories` for the registry's front."""

    def __init__(self, control: Control, process: RegistryProcess, tokens: Tokens) -> None:
        self._control = control
        self._tokens = tokens
        self._images = StoredImages(process)

    def exists(self, registry: Registry, name: str) -> bool:
        """Whether there is such a repository."""
        return self._repository(registry, name) is not None

    def answer(self, call: Call) -> Answer:
        """Answer one call.

        :raises Fault: as ECR refuses.
        """
        registry = Registry(call.account, call.region)
        name = operation(call) or ""
        own: dict[str, Callable[[Registry, dict[str, Any]], dict[str, Any]]] = {
            "GetAuthorizationToken": self._login,
            "ListImages": self._list,
            "DescribeImages": self._describe,
            "BatchGetImage": self._get,
            "BatchDeleteImage": self._delete,
            "BatchCheckLayerAvailability": self._layers,
        }
        try:
            asked: dict[str, Any] = json.loads(call.body or b"{}")
        except ValueError as error:
            raise Fault("SerializationException", str(error)) from error
        if name in _PUSHES:
            raise Fault(
                "UnsupportedOperationException",
                f"{name}: the embedded AWS takes images by `docker push`, `skopeo copy` and the "
                "like",
            )
        if name in own:
            if name != "GetAuthorizationToken":
                self._check(registry, asked.get("repositoryName", ""))
            try:
                return Answer(200, _TYPE, json.dumps(own[name](registry, asked)).encode())
            except WideloadError as error:
                raise Fault("ServerException", str(error), 500) from error
        if name == "DeleteRepository":
            self._check_empty(registry, asked)
        answer = self._control.call(call)
        if answer.status < 400 and name == "DeleteRepository":
            self._images.forget(registry, asked["repositoryName"])
        return msgspec.structs.replace(answer, body=self._at_home(answer.body))

    def _at_home(self, body: bytes) -> bytes:
        """moto's answer, its repositories where they are."""
        try:
            document = json.loads(body)
        except ValueError:
            return body
        repositories = document.get("repositories", [document.get("repository")])
        for one in repositories:
            if isinstance(one, dict) and "repositoryUri" in one:
                one["repositoryUri"] = f"{self._control.host}/{one['repositoryName']}"
        return json.dumps(document).encode()

    def _repository(self, registry: Registry, name: str) -> Any | None:
        with self._control.lock:
            return ecr_backends[registry.account][registry.region].repositories.get(name)

    def _check(self, registry: Registry, name: str) -> None:
        if not self.exists(registry, name):
            raise Fault(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id "
                f"'{registry.account}'",
            )

    def _check_empty(self, registry: Registry, asked: dict[str, Any]) -> None:
        name = asked.get("repositoryName", "")
        if asked.get("force") or not self.exists(registry, name):
            return
        if self._images.listed(registry, name):
            raise Fault(
                "RepositoryNotEmptyException",
                f"The repository with name '{name}' in registry with id '{registry.account}' "
                "cannot be deleted because it still contains images",
            )

    def _login(self, registry: Registry, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        password, until = self._tokens.make(registry)
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        endpoint = f"http://{self._control.host}"
        data = {"authorizationToken": token, "expiresAt": until, "proxyEndpoint": endpoint}
        return {"authorizationData": [data]}

    def _list(self, registry: Registry, asked: dict[str, Any]) -> dict[str, Any]:
        ids = [
            one
            for image in self._wanted(registry, asked)
            for one in (
                [{"imageDigest": image.digest, "imageTag": tag} for tag in image.tags]
                or [{"imageDigest": image.digest}]
            )
        ]
        return {"imageIds": ids}

    def _describe(self, registry: Registry, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["repositoryName"]
        images = self._wanted(registry, asked)
        ids = asked.get("imageIds")
        if ids is not None:
            chosen = []
            for one in ids:
                image = _meant(images, one)
                if image is None:
                    raise Fault(
                        "ImageNotFoundException",
                        f"The image with imageId {{imageDigest:'{one.get('imageDigest', 'null')}', "
                        f"imageTag:'{one.get('imageTag', 'null')}'}} does not exist within the "
                        f"repository with name '{name}' in the registry with id "
                        f"'{registry.account}'",
                    )
                chosen.append(image)
            images = tuple(chosen)
        details = [
            {
                "registryId": registry.account,
                "repositoryName": name,
                "imageDigest": image.digest,
                **({"imageTags": list(image.tags)} if image.tags else {}),
                "imageSizeInBytes": image.size,
                "imagePushedAt": image.pushed,
                "imageManifestMediaType": image.media_type,
            }
            for image in images
        ]
        return {"imageDetails": details}

    def _get(self, registry: Registry, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["repositoryName"]
        there = self._images.listed(registry, name)
        images, failures = [], []
        for one in asked.get("imageIds", []):
            image = _meant(there, one)
            if image is None:
                failures.append(_missing(one))
                continue
            tag = {"imageTag": one["imageTag"]} if "imageTag" in one else {}
            images.append(
                {
                    "registryId": registry.account,
                    "repositoryName": name,
                    "imageId": {"imageDigest": image.digest, **tag},
                    "imageManifest": image.manifest.decode(),
                    "imageManifestMediaType": image.media_type,
                }
            )
        return {"images": images, "failures": failures}

    def _delete(self, registry: Registry, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["repositoryName"]
        gone, failures = [], []
        for one in asked.get("imageIds", []):
            image = _meant(self._images.listed(registry, name), one)
            if image is None:
                failures.append(_missing(one))
            elif "imageDigest" not in one and len(image.tags) > 1:
                self._images.untag(registry, name, one["imageTag"])
                gone.append({"imageDigest": image.digest, "imageTag": one["imageTag"]})
            else:
                self._images.delete(registry, name, image.digest)
                ids = [{"imageDigest": image.digest, "imageTag": tag} for tag in image.tags]
                gone += ids or [{"imageDigest": image.digest}]
        return {"imageIds": gone, "failures": failures}

    def _layers(self, registry: Registry, asked: dict[str, Any]) -> dict[str, Any]:
        layers: list[dict[str, Any]] = []
        for digest in asked.get("layerDigests", []):
            size = self._images.has_layer(registry, asked["repositoryName"], digest)
            layers.append(
                {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
                if size is None
                else {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size}
            )
        return {"layers": layers, "failures": []}

    def _wanted(self, registry: Registry, asked: dict[str, Any]) -> tuple[StoredImage, ...]:
        status = asked.get("filter", {}).get("tagStatus", "ANY")
        images = self._images.listed(registry, asked["repositoryName"])
        if status == "ANY":
            return images
        return tuple(one for one in images if bool(one.tags) == (status == "TAGGED"))


def _meant(images: tuple[StoredImage, ...], wanted: dict[str, str]) -> StoredImage | None:
    for image in images:
        if wanted.get("imageDigest", image.digest) != image.digest:
            continue
        if "imageTag" not in wanted or wanted["imageTag"] in image.tags:
            return image
    return None


def _missing(wanted: dict[str, str]) -> dict[str, Any]:
    return {
        "imageId": wanted,
        "failureCode": "ImageNotFound",
        "failureReason": "Requested image not found",
    }
