"""Encodes and decodes BSON."""

import datetime

import bson
from bson import json_util
from pymongo import MongoClient, ReturnDocument, UpdateOne
from pymongo.errors import ServerSelectionTimeoutError


def use() -> object:
    document = {
        "a": 1,
        "d": datetime.datetime(2026, 1, 2),
        "x": bson.Decimal128("1.5"),
        "o": bson.ObjectId(bytes(12)),
    }
    data = bson.encode(document)
    client = MongoClient("127.0.0.1", 1, serverSelectionTimeoutMS=50)
    try:
        client.db.things.bulk_write([UpdateOne({}, {"$set": {"a": 1}})])
    except ServerSelectionTimeoutError:
        return [data.hex(), json_util.dumps(bson.decode(data)), bson.has_c(), ReturnDocument.AFTER]
    raise AssertionError
