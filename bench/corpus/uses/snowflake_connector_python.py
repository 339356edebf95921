"""Splits and binds what it would send, and fails to connect as it should."""

import io

import snowflake.connector
from snowflake.connector import DictCursor, errors
from snowflake.connector.util_text import split_statements


def use() -> object:
    try:
        snowflake.connector.connect(user="b", password="c")
    except errors.Error as error:
        refused = error.errno
    said = [one[0] for one in split_statements(io.StringIO("select 1; select 2;"))]
    return [refused, said, snowflake.connector.paramstyle, DictCursor.__name__]
