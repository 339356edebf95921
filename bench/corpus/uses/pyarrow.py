"""Computes on tables; writes and reads Parquet, CSV, IPC and a data set."""

import io
import tempfile

import pyarrow as pa
from pyarrow import compute, csv, dataset, feather, ipc, json, parquet


def use() -> object:
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})
    file = io.BytesIO()
    parquet.write_table(table, file, compression="zstd")
    same = parquet.read_table(io.BytesIO(file.getvalue())).equals(table)
    with tempfile.TemporaryDirectory() as folder:
        dataset.write_dataset(
            table, folder, format="parquet", partitioning=["b"], partitioning_flavor="hive"
        )
        found = (
            dataset.dataset(folder, partitioning="hive")
            .to_table(filter=compute.field("a") > 1)
            .num_rows
        )
        feather.write_feather(table, f"{folder}/f")
        read = feather.read_table(f"{folder}/f").num_rows
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    lines = json.read_json(io.BytesIO(b'{"a": 1}\n{"a": 2}\n')).num_rows
    total = compute.sum(table["a"]).as_py()
    parsed = csv.read_csv(io.BytesIO(b"a,b\n1,2\n")).to_pydict()
    return [
        same,
        found,
        read,
        sink.getvalue().size,
        lines,
        total,
        parsed,
        table.group_by("b").aggregate([("a", "sum")]).num_rows,
    ]
