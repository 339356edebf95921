"""Turns SQL of one database into that of others, optimises it and runs it."""

import sqlglot
from sqlglot import exp, optimizer
from sqlglot.executor import execute


def use() -> object:
    said = "SELECT a, SUM(b) AS s FROM t WHERE c > DATE '2026-01-01' GROUP BY a LIMIT 3"
    turned = {
        name: sqlglot.transpile(said, write=name)[0]
        for name in ("bigquery", "tsql", "oracle", "spark", "duckdb")
    }
    better = optimizer.optimize(
        sqlglot.parse_one("select x from (select x, y from t) where 1 = 1 and x > 1"),
        schema={"t": {"x": "int", "y": "int"}},
    )
    rows = execute("select sum(x) as s from t", tables={"t": [{"x": 1}, {"x": 2}]}).rows
    return [turned, better.sql(), rows, len(list(sqlglot.parse_one(said).find_all(exp.Column)))]
