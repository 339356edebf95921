"""Signs a URL and makes requests that nobody answers; its packages share a namespace."""

import google.auth
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY


def use() -> object:
    client = storage.Client(
        "p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": "http://127.0.0.1:1"},
    )
    blob = client.bucket("b").blob("a/ü")
    try:
        blob.download_as_bytes(retry=None, timeout=1)
    except Exception as error:
        refused = type(error).__name__
    return [
        blob.public_url,
        refused,
        blob.path,
        NotFound("x").code,
        DEFAULT_RETRY is not None,
        google.auth.__name__,
    ]
