"""Fetches from an application within, sync and async."""

import asyncio

import httpx


async def _app(scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def _fetch():
    transport = httpx.ASGITransport(app=_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://wide") as client:
        answer = await client.get("/a/b", params={"q": "ü"})
    return [answer.text, str(answer.url), answer.headers["x-a"]]


def use() -> object:
    with httpx.Client(http2=True) as client:
        wanted = client.build_request("POST", "http://wide/", json={"a": 1}).read().decode()
    return [asyncio.run(_fetch()), wanted]
