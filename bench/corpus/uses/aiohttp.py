"""Serves and fetches within one loop."""

import asyncio

import aiohttp
from aiohttp import web


async def _hello(request):
    return web.json_response({"hello": request.query["name"]})


async def _echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


async def _talk():
    app = web.Application()
    app.add_routes([web.get("/", _hello), web.get("/ws", _echo)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/?name=x") as answer:
            first = await answer.json()
        async with session.ws_connect(f"{base}/ws") as socket:
            await socket.send_str("abc")
            second = await socket.receive_str()
    await runner.cleanup()
    return [first, second]


def use() -> object:
    return asyncio.run(_talk())
