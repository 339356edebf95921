"""Serves a small application to its own test client, with its OpenAPI page."""

from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import BaseModel

app = FastAPI(title="wide")


class Item(BaseModel):
    """What is sent."""

    name: str
    size: int = 1


def double(size: int = 2) -> int:
    """A dependency."""
    return 2 * size


@app.post("/items")
async def make(item: Item, more: int = Depends(double)) -> Item:
    """Make an item."""
    if item.size < 0:
        raise HTTPException(418, "no")
    return Item(name=item.name.upper(), size=item.size + more)


def use() -> object:
    client = TestClient(app)
    answers = [
        client.post("/items", json=one) for one in ({"name": "a"}, {}, {"name": "b", "size": -1})
    ]
    paths = client.get("/openapi.json").json()["paths"]
    return [
        [(one.status_code, one.json()) for one in answers],
        paths,
        client.get("/docs").status_code,
    ]
