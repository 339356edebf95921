"""Layers made by others, as AWS describes them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.errors import WideloadError
from wideload.values.attached import PublishedLayer

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

_DENIED = ("AccessDeniedException", "AccessDenied")


class AwsAttached:
    """A `LayerSource`.

    :param embedded: whether the embedded AWS answers, for hints.
    """

    def __init__(self, client: LambdaClient, *, embedded: bool = False) -> None:
        self._client = client
        self._embedded = embedded

    def describe(self, arn: str) -> PublishedLayer:
        """The layer version of this ARN.

        :raises WideloadError: there is none, it may not be read, it is in another region than
            the function will be, or AWS cannot be asked.
        """
        self._check_region(arn)
        try:
            with asking("lambda"):
                answer = self._client.get_layer_version_by_arn(Arn=arn)
        except Refused as refused:
            raise self._refusal(arn, refused) from refused
        content = answer["Content"]
        try:
            sha256 = base64.b64decode(content["CodeSha256"], validate=True).hex()
        except binascii.Error as error:
            raise WideloadError(
                f"AWS described layer {arn} in a way that is not understood",
                why=f"CodeSha256 is {content['CodeSha256']!r}",
            ) from error
        return PublishedLayer(
            arn=answer.get("LayerVersionArn", arn),
            sha256=sha256,
            zipped_bytes=content["CodeSize"],
            runtimes=tuple(answer.get("CompatibleRuntimes", ())),
            architectures=tuple(answer.get("CompatibleArchitectures", ())),
            location=content["Location"],
        )

    def latest(self, layer: str) -> str:
        """The ARN of the latest version of a layer, by the layer's own ARN.

        :raises WideloadError: there is none, they may not be listed, or AWS cannot be asked.
        """
        self._check_region(layer)
        try:
            with asking("lambda"):
                pages = self._client.get_paginator("list_layer_versions").paginate(LayerName=layer)
                versions = [version for page in pages for version in page["LayerVersions"]]
        except Refused as refused:
            raise self._refusal(layer, refused) from refused
        if not versions:
            raise WideloadError(
                f"layer {layer} has no version",
                why="AWS lists none to this account",
                hint=self._where("name the number of the version in the place of latest"),
            )
        return max(versions, key=lambda version: version["Version"])["LayerVersionArn"]

    def _check_region(self, arn: str) -> None:
        region = self._client.meta.region_name
        if arn.split(":")[3] != region:
            raise WideloadError(
                f"layer {arn} is in another region than the function",
                why="AWS would answer InvalidParameterValueException: Layers are not in the same "
                "region as the function. Layers are expected to be in region "
                f"{region}.",
                hint="name the layer of the function's region, or set AWS_REGION",
            )

    def _refusal(self, arn: str, refused: Refused) -> WideloadError:
        if refused.code in _DENIED:
            return WideloadError(
                f"layer {arn} may not be read",
                why=f"AWS answered {refused}",
                # The IAM action is the same by ARN and by name.
                hint=self._where(
                    "its owner permits it with `aws lambda add-layer-version-permission`; your "
                    f"own user needs {refused.action.removesuffix('ByArn')} as well"
                ),
            )
        return WideloadError(
            f"layer {arn} cannot be read",
            why=f"AWS answered {refused}",
            hint=self._where("check the ARN and its version"),
        )

    def _where(self, hint: str) -> str:
        if self._embedded:
            return f"the embedded AWS has only what was published to it, else add --to aws; {hint}"
        return hint
