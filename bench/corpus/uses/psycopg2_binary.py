"""Quotes values for SQL, parses what a server sends, fails to connect as it should."""

import psycopg2
from psycopg2 import extensions, extras, sql


def use() -> object:
    try:
        psycopg2.connect("host=127.0.0.1 port=1 dbname=x connect_timeout=2")
    except psycopg2.OperationalError as error:
        refused = "refused" in str(error)
    adapted = extensions.adapt("it's").getquoted().decode()
    values = extensions.adapt([1, None, "a"]).getquoted().decode()
    extras.register_uuid()
    return [
        refused,
        adapted,
        values,
        extensions.parse_dsn("host=a dbname=b"),
        psycopg2.DateFromTicks(0).getquoted().decode()[:5],
        str(sql.SQL("select {}").format(sql.Placeholder("x"))),
        psycopg2.__libpq_version__ > 0,
    ]
