"""Lambda's layers through boto3."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.deploy.refusals import NOT_FOUND
from wideload.deploy.states import LayerVersion

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.literals import ArchitectureType, RuntimeType
    from types_boto3_lambda.type_defs import LayerVersionsListItemTypeDef

    from wideload.values.instruction import StoredCode


class AwsLayers:
    """A `Layers`."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def find(self, layer: str, code_sha256: str) -> tuple[str, ...]:
        """ARNs of the versions whose zip has this digest, oldest first."""
        found = []
        for item in self._versions(layer):
            # Lists tell no digest.
            try:
                with asking("lambda"):
                    answer = self._client.get_layer_version(
                        LayerName=layer, VersionNumber=item["Version"]
                    )
            except Refused as refused:
                if refused.code in NOT_FOUND:
                    continue
                raise
            if answer["Content"].get("CodeSha256") == code_sha256:
                found.append(item["LayerVersionArn"])
        return tuple(found)

    def publish(
        self, layer: str, code: StoredCode, description: str, runtime: str, architecture: str
    ) -> str:
        """Make a version of what lies in a bucket; its ARN."""
        with asking("lambda"):
            answer = self._client.publish_layer_version(
                LayerName=layer,
                Description=description,
                Content={"S3Bucket": code.bucket, "S3Key": code.key},
                CompatibleRuntimes=[cast("RuntimeType", runtime)],
                CompatibleArchitectures=[cast("ArchitectureType", architecture)],
            )
        return answer["LayerVersionArn"]

    def listed(self, prefix: str) -> tuple[LayerVersion, ...]:
        """Every version of the layers whose names begin so, sorted by name and version."""
        with asking("lambda"):
            pages = self._client.get_paginator("list_layers").paginate()
            layers = [layer["LayerName"] for page in pages for layer in page["Layers"]]
        return tuple(
            LayerVersion(
                layer=layer,
                version=item["Version"],
                arn=item["LayerVersionArn"],
                description=item.get("Description", ""),
                created=datetime.fromisoformat(item["CreatedDate"]).timestamp(),
            )
            for layer in sorted(layers)
            if layer.startswith(prefix)
            for item in self._versions(layer)
        )

    def in_use(self) -> frozenset[str]:
        """ARNs of the layer versions that any function has, or any version of one."""
        with asking("lambda"):
            pages = self._client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
            return frozenset(
                layer["Arn"]
                for page in pages
                for function in page["Functions"]
                for layer in function.get("Layers", [])
            )

    def delete(self, layer: str, version: int) -> None:
        """Take a version away; one that is not there is no error."""
        with asking("lambda"):
            self._client.delete_layer_version(LayerName=layer, VersionNumber=version)

    def _versions(self, layer: str) -> list[LayerVersionsListItemTypeDef]:
        try:
            with asking("lambda"):
                pages = self._client.get_paginator("list_layer_versions").paginate(LayerName=layer)
                found = [item for page in pages for item in page["LayerVersions"]]
        except Refused as refused:
            if refused.code in NOT_FOUND:
                return []
            raise
        return sorted(found, key=lambda item: item["Version"])
