"""Asks by SQL, writes and reads Parquet, CSV and JSON."""

import tempfile

import duckdb


def use() -> object:
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(f"{folder}/a.db")
        connection.sql(
            f"copy (select range as i, i % 3 as g from range(100)) to '{folder}/a.parquet'"
        )
        rows = connection.sql(
            f"select g, sum(i) from '{folder}/a.parquet' group by g order by g"
        ).fetchall()
        array = connection.sql("select range as r from range(3)").fetchnumpy()["r"]
        return [
            [[int(value) for value in row] for row in rows],
            [int(value) for value in array],
            connection.sql("select strftime(date '2026-01-02', '%d/%m')").fetchall(),
            connection.sql("""select json_extract('{"a": [1, 2]}', '$.a[1]')::int""").fetchall(),
        ]
