"""Signs requests to AWS, pages and waits for services, with a version that is packed."""

import boto3
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber


def use() -> object:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-central-1"}
    storage = boto3.client("s3", **keys)
    url = storage.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    table = boto3.resource("dynamodb", **keys).Table("t")
    with Stubber(storage) as stub:
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "x"}]}, {"Bucket": "b"})
        pages = storage.get_paginator("list_objects_v2").paginate(Bucket="b")
        found = [one["Key"] for page in pages for one in page["Contents"]]
    queue = boto3.client("sqs", endpoint_url="http://127.0.0.1:1", **keys)
    try:
        queue.list_queues()
    except EndpointConnectionError as error:
        refused = str(error)
    return [boto3.__version__, url.partition("?")[0], table.name, found, refused]
