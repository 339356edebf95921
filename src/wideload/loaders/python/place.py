"""Where the bundle lies, and the host that is asked for it."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, unquote, urlsplit

from .trouble import BundleError

VARIABLE = "WIDELOAD_BUNDLE"

# https://docs.aws.amazon.com/general/latest/gr/rande.html: partitions by how regions begin.
_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eusc-", "amazonaws.eu"),
)
_TRUE = ("true", "1")


class Place:
    """An object of S3.

    :param environ: the environment variables. Those of the AWS SDKs that name an endpoint are
        obeyed; a named endpoint is asked in path style.
    """

    def __init__(self, environ: dict[str, str]) -> None:
        value = environ.get(VARIABLE, "")
        url = urlsplit(value)
        if url.scheme != "s3" or not url.netloc or len(url.path) < 2:
            raise BundleError(
                f"the environment variable {VARIABLE} does not say where the bundle lies",
                f"it is {value!r}, not s3://bucket/key",
                "deploy the function again",
            )
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.bucket = url.netloc
        self.key = unquote(url.path[1:])
        self.region = query.get("region") or environ.get("AWS_REGION", "us-east-1")
        self.owner = query.get("owner", "")
        self.version = query.get("version", "")
        self._dual = environ.get("AWS_USE_DUALSTACK_ENDPOINT", "").lower() in _TRUE
        self._fips = environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() in _TRUE
        ignored = environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() in _TRUE
        named = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
        self._endpoint = "" if ignored else named
        self.authorities = environ.get("AWS_CA_BUNDLE") or None
        self.ask(self.region)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def arn(self) -> str:
        """The object's ARN, for messages."""
        partition = "aws"
        if self.region.startswith("cn-"):
            partition = "aws-cn"
        elif self.region.startswith("us-gov-"):
            partition = "aws-us-gov"
        return f"arn:{partition}:s3:::{self.bucket}/{self.key}"

    def ask(self, region: str) -> None:
        """Set the host of a region: that of the variable, or one that S3 sent us to.

        The attributes that it sets: `secure`, `host` (a name), `port`, `authority` (as in the
        header Host), `path` (as in the request line) and `query`.
        """
        self.region = region
        key = quote(self.key, safe="/-_.~")
        if self._endpoint:
            url = urlsplit(self._endpoint)
            self.secure = url.scheme == "https"
            self.host, self.port = url.hostname or "", url.port or (443 if self.secure else 80)
            self.authority = url.netloc.rpartition("@")[2]
            self.path = f"{url.path.rstrip('/')}/{self.bucket}/{key}"
        else:
            suffix = next(
                (end for start, end in _SUFFIXES if region.startswith(start)), "amazonaws.com"
            )
            service = "s3-fips" if self._fips else "s3"
            stack = ".dualstack" if self._dual else ""
            self.secure, self.port = True, 443
            self.host = f"{service}{stack}.{region}.{suffix}"
            self.path = f"/{key}"
            if "." in self.bucket:
                # The certificate is for one label before s3.
                self.path = f"/{self.bucket}/{key}"
            else:
                self.host = f"{self.bucket}.{self.host}"
            self.authority = self.host
        self.query = f"versionId={quote(self.version, safe='-_.~')}" if self.version else ""
