#!/usr/bin/env python3
"""From CSV to a validated Parquet data set: LoanOps beside pandas with pandera, polars, and DuckDB's bare COPY, which validates nothing.

Usage: data.py INGEST_PROGRAM FILE [ROUNDS]. Each system runs in a process of its own, one after the other in every round; wall times are medians, memory is
the largest resident size of the process. Run by `make peers-data`.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

NUMBERS = [f"f{i}" for i in range(12)]
WHOLE = [f"i{i}" for i in range(4)]
DOMAINS = {
    "c0": ["bank", "credit_union", "insurer", "broker"], "c1": ["own", "rent", "mortgage"],
    "c2": ["car", "home", "debt", "school", "business", "medical"], "c3": ["0", "1"],
}


def run_pandas(path, out):
    import pandas
    import pandera.pandas as pandera
    frame = pandas.read_csv(path, dtype={**{n: "float64" for n in NUMBERS}, **{n: "int64" for n in WHOLE}, **{n: "str" for n in DOMAINS}})
    schema = pandera.DataFrameSchema({
        **{n: pandera.Column("float64", pandera.Check.in_range(0, 1e10)) for n in NUMBERS}, **{n: pandera.Column("int64", pandera.Check.in_range(0, 10**10)) for n in WHOLE},
        **{n: pandera.Column(None, pandera.Check.isin(v)) for n, v in DOMAINS.items()},
    })
    schema.validate(frame, lazy=True)
    frame.describe(include="all")
    frame.to_parquet(out)


def run_polars(path, out):
    import polars
    frame = polars.read_csv(path, schema={**{n: polars.Float64 for n in NUMBERS}, **{n: polars.Int64 for n in WHOLE}, **{n: polars.String for n in DOMAINS}})
    checks = [polars.col(n).is_between(0, 1e10).all() for n in NUMBERS + WHOLE] + [polars.col(n).is_in(v).all() for n, v in DOMAINS.items()]
    assert all(frame.select(checks).row(0))
    frame.describe()
    frame.write_parquet(out)


def run_duckdb(path, out):
    import duckdb
    types = {**{n: "DOUBLE" for n in NUMBERS}, **{n: "BIGINT" for n in WHOLE}, **{n: "VARCHAR" for n in DOMAINS}}
    columns = "{" + ", ".join(f"'{n}': '{t}'" for n, t in types.items()) + "}"
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{path}', auto_detect = false, header = true, delim = ',', columns = {columns})) TO '{out}' (FORMAT parquet)")


def measured(command):
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    return time.monotonic() - began, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def main():
    if sys.argv[1] == "--only":
        with tempfile.TemporaryDirectory() as folder:
            globals()["run_" + sys.argv[2]](sys.argv[3], os.path.join(folder, "out.parquet"))
        return
    program, path = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    systems = {"LoanOps, validated and described": [program, path]}
    for name, what in [("duckdb", "DuckDB, bare COPY"), ("polars", "polars with checks and describe"), ("pandas", "pandas, pandera and describe")]:
        systems[what] = [sys.executable, __file__, "--only", name, path]
    seen = {name: [] for name in systems}
    for _ in range(rounds):
        for name, command in systems.items():
            seen[name].append(measured(command))
    bare = statistics.median(wall for wall, _, _ in seen["DuckDB, bare COPY"])
    print("| system | wall, s | of DuckDB's bare COPY | memory, MiB | processor, s |\n|---|---:|---:|---:|---:|")
    for name, runs in seen.items():
        wall, memory, cpu = (statistics.median(run[i] for run in runs) for i in range(3))
        print(f"| {name} | {wall:.1f} | {wall / bare:.2f} | {memory:.0f} | {cpu:.1f} |")


if __name__ == "__main__":
    main()
