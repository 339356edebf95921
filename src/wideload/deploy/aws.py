"""AWS through boto3: one session, one configuration, one place where its errors are met."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from wideload.deploy.aws_attached import AwsAttached
from wideload.deploy.aws_concurrency import AwsConcurrency
from wideload.deploy.aws_efs import AwsEfs
from wideload.deploy.aws_functions import AwsFunctions
from wideload.deploy.aws_images import AwsImages
from wideload.deploy.aws_layers import AwsLayers
from wideload.deploy.aws_logs import AwsLogs
from wideload.deploy.aws_mounts import AwsMounts
from wideload.deploy.aws_network import AwsNetwork
from wideload.deploy.aws_roles import AwsRoles
from wideload.deploy.aws_s3_files import AwsS3Files
from wideload.deploy.aws_storage import AwsStorage
from wideload.deploy.aws_trouble import asking, connecting, unreachable
from wideload.deploy.states import Identity
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# Lambda answers an upload of 50 MB, or one that it copies from S3, only when it has it.
_READ_SECONDS = 180
# An invocation lasts as long as the function's timeout, for which botocore's model admits
# 5,400 s; it must never be sent again by itself.
_INVOKE_SECONDS = 5_460
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 6},
    connect_timeout=10,
    read_timeout=_READ_SECONDS,
    tcp_keepalive=True,
    user_agent_extra="wideload",
)
_INVOKE_CONFIG = _CONFIG.merge(
    Config(retries={"total_max_attempts": 1}, read_timeout=_INVOKE_SECONDS)
)
# Names of buckets become names of hosts only where AWS itself answers.
_PATH_STYLE = _CONFIG.merge(Config(s3={"addressing_style": "path"}))


class Aws:
    """A `Cloud`. Credentials, region and endpoint come from where boto3 finds them.

    :param region: instead of the one that is configured.
    :param profile: of the user's AWS configuration.
    :param endpoint: URL of something that answers as AWS does, for all services.
    :param keys: access key id and secret access key, instead of those that are configured.
    :raises WideloadError: there is no such profile, or no region.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        endpoint: str | None = None,
        keys: tuple[str, str] | None = None,
    ) -> None:
        access_key, secret_key = keys or (None, None)
        try:
            self._session = boto3.Session(
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                region_name=region,
                profile_name=profile,
            )
        except BotoCoreError as error:
            raise unreachable(error) from error
        if self._session.region_name is None:
            raise WideloadError(
                "no AWS region is set",
                why="neither AWS_REGION nor AWS_DEFAULT_REGION is, nor one in the AWS profile",
                hint="set AWS_REGION=eu-central-1, say",
            )
        self._region = self._session.region_name
        self._endpoint = endpoint

    @cached_property
    def roles(self) -> AwsRoles:
        """IAM."""
        with connecting("iam"):
            return AwsRoles(
                self._session.client("iam", endpoint_url=self._endpoint, config=_CONFIG)
            )

    @cached_property
    def storage(self) -> AwsStorage:
        """S3."""
        with connecting("s3"):
            return AwsStorage(self._s3(_PATH_STYLE if self._is_custom else _CONFIG))

    @cached_property
    def functions(self) -> AwsFunctions:
        """Lambda."""
        with connecting("lambda"):
            return AwsFunctions(
                self._session.client("lambda", endpoint_url=self._endpoint, config=_CONFIG),
                self._session.client("lambda", endpoint_url=self._endpoint, config=_INVOKE_CONFIG),
            )

    @cached_property
    def layers(self) -> AwsLayers:
        """Lambda's layers."""
        with connecting("lambda"):
            return AwsLayers(
                self._session.client("lambda", endpoint_url=self._endpoint, config=_CONFIG)
            )

    @cached_property
    def attached(self) -> AwsAttached:
        """Layers made by others."""
        with connecting("lambda"):
            return AwsAttached(
                self._session.client("lambda", endpoint_url=self._endpoint, config=_CONFIG),
                embedded=self._endpoint is not None,
            )

    @cached_property
    def images(self) -> AwsImages:
        """ECR."""
        with connecting("ecr"):
            return AwsImages(
                self._session.client("ecr", endpoint_url=self._endpoint, config=_CONFIG)
            )

    @cached_property
    def concurrency(self) -> AwsConcurrency:
        """Lambda's provisioned concurrency."""
        with connecting("lambda"):
            return AwsConcurrency(
                self._session.client("lambda", endpoint_url=self._endpoint, config=_CONFIG)
            )

    @cached_property
    def logs(self) -> AwsLogs:
        """CloudWatch Logs."""
        with connecting("logs"):
            return AwsLogs(
                self._session.client("logs", endpoint_url=self._endpoint, config=_CONFIG)
            )

    @cached_property
    def mounts(self) -> AwsMounts:
        """EC2, EFS and S3 Files."""
        with connecting("ec2"):
            return AwsMounts(
                AwsNetwork(
                    self._session.client("ec2", endpoint_url=self._endpoint, config=_CONFIG)
                ),
                AwsEfs(self._session.client("efs", endpoint_url=self._endpoint, config=_CONFIG)),
                AwsS3Files(
                    self._session.client("s3files", endpoint_url=self._endpoint, config=_CONFIG)
                ),
            )

    def identity(self) -> Identity:
        """Who asks, and where."""
        with connecting("sts"):
            client = self._session.client("sts", endpoint_url=self._endpoint, config=_CONFIG)
            is_custom = self._is_custom
        with asking("sts"):
            caller = client.get_caller_identity()
        partition = caller["Arn"].split(":")[1]
        return Identity(caller["Account"], self._region, partition, is_custom=is_custom)

    @cached_property
    def _is_custom(self) -> bool:
        if self._endpoint is not None:
            return True
        # Endpoints may be set in the environment, in a profile, for all services or for one.
        plain = _CONFIG.merge(
            Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg]
        )
        return self._s3(_CONFIG).meta.endpoint_url != self._s3(plain).meta.endpoint_url

    def _s3(self, config: Config) -> S3Client:
        return self._session.client("s3", endpoint_url=self._endpoint, config=config)
