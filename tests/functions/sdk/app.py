"""Lists a bucket with the runtime's own boto3, wherever AWS_ENDPOINT_URL points."""

import boto3


def handler(event, context):
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=event["bucket"])
    objects = [found for page in pages for found in page.get("Contents", [])]
    return {
        "bucket": event["bucket"],
        "objects": [{"key": found["Key"], "size": found["Size"]} for found in objects],
        "identity": boto3.client("sts").get_caller_identity()["Arn"],
        "boto3": boto3.__file__,
    }
