"""What AWS asks for what a way to ship needs: public prices in US dollars.

Those of us-east-1 before any discount and free tier, as its pricing pages had them in November
2026; other regions ask up to a third more. They are for comparing ways, not for a budget.
"""

from __future__ import annotations

REGION = "us-east-1"
AS_OF = "November 2026"

GB = 1024**3
HOURS_A_MONTH = 730

LAMBDA_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
"""A second of a GB of memory, the init's too: https://aws.amazon.com/lambda/pricing/"""
LAMBDA_EPHEMERAL_GB_SECOND = 0.0000000309
"""A second of a GB of /tmp beyond `EPHEMERAL_FREE_MB`, the same page."""
EPHEMERAL_FREE_MB = 512

S3_GB_MONTH = 0.023
"""S3 Standard: https://aws.amazon.com/s3/pricing/"""
S3_GET = 0.0004 / 1000

ECR_GB_MONTH = 0.10
"""Of layers as they are compressed, in a private repository: https://aws.amazon.com/ecr/pricing/"""

EFS_GB_MONTH = 0.30
"""EFS Standard in a regional file system: https://aws.amazon.com/efs/pricing/"""
EFS_READ_GB = 0.03
"""With elastic throughput, the same page."""
S3_FILES_GB_MONTH = 0.30
"""What lies in the file system's own storage, at the rates of EFS, on which it is built; the
objects in the bucket besides: https://aws.amazon.com/s3/pricing/"""
S3_FILES_READ_GB = 0.03
S3_FILES_DIRECT = 128 * 1024
"""Bytes above which a file is read from the bucket itself, if nothing else is set.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-files.html"""

NAT_GATEWAY_HOUR = 0.045
"""One NAT gateway, without what it carries: https://aws.amazon.com/vpc/pricing/"""
