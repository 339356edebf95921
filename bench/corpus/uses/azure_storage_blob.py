"""Signs a URL and makes requests that nobody answers; its packages share a namespace."""

import datetime

from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.policies import RetryPolicy
from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas


def use() -> object:
    key = "aGVsbG8="
    signed = generate_blob_sas(
        "account",
        "c",
        "b",
        account_key=key,
        permission=BlobSasPermissions(read=True),
        expiry=datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC),
    )
    service = BlobServiceClient("http://127.0.0.1:1/account", credential=key, retry_total=0)
    try:
        service.get_blob_client("c", "b").download_blob()
    except ServiceRequestError as error:
        return [signed, "refused" in str(error).lower(), RetryPolicy.__name__]
    raise AssertionError
