"""Validates, serialises, makes a schema, refuses what is wrong."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, field_validator


class Item(BaseModel):
    """An item."""

    kind: Literal["a"] = "a"
    price: Annotated[Decimal, Field(gt=0)]
    when: datetime

    @field_validator("price")
    @classmethod
    def _whole(cls, value: Decimal) -> Decimal:
        return value.quantize(Decimal("0.01"))


class Order(BaseModel):
    """Some items."""

    items: list[Item]


def use() -> object:
    order = Order.model_validate({"items": [{"price": "1.239", "when": "2026-01-02T03:04:05Z"}]})
    try:
        Order.model_validate({"items": [{"price": -1, "when": "x"}]})
    except ValidationError as error:
        wrong = [one["type"] for one in error.errors()]
    numbers = TypeAdapter(list[int]).validate_json("[1, 2]")
    return [order.model_dump_json(), wrong, numbers, Order.model_json_schema()]
