#!/usr/bin/env python3
"""Features as they were known at each label's moment, from Parquet: LoanOps, with cutoff and TTL, to Parquet; Feast with its DuckDB store and
filter_by_created_timestamp to a data frame; and bare as-of joins of DuckDB and polars, without cutoff and TTL, to Parquet.

Usage: features.py FEATURES_PROGRAM FOLDER [ROUNDS]. Each system runs in a process of its own, one after the other in every round; wall and processor times are
medians, memory is the largest resident size of the process. What Python needs to import a system is not counted. Run by `make peers-features`.
"""
import datetime
import glob
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

FEATURES = [f"f{i}" for i in range(6)]


def files(folder, name):
    return sorted(glob.glob(os.path.join(folder, name + "-*.parquet")))


def run_feast(folder):
    import pandas
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64
    with tempfile.TemporaryDirectory() as registry:
        store = FeatureStore(config=RepoConfig(
            project="peers", provider="local", registry=os.path.join(registry, "registry.db"), offline_store={"type": "duckdb"},
            online_store={"type": "sqlite", "path": os.path.join(registry, "online.db")}, entity_key_serialization_version=3))
        applicant = Entity(name="applicant", join_keys=["applicant_id"], value_type=ValueType.STRING)
        source = FileSource(name="rows", path=os.path.join(folder, "all-rows.parquet"), timestamp_field="event_timestamp", created_timestamp_column="created_timestamp")
        store.apply([applicant, FeatureView(name="bureau", entities=[applicant], ttl=datetime.timedelta(days=90), schema=[Field(name=f, dtype=Float64) for f in FEATURES], source=source)])
        began = started()
        labels = pandas.concat([pandas.read_parquet(p) for p in files(folder, "labels")], ignore_index=True)
        job = store.get_historical_features(entity_df=labels, features=["bureau:" + f for f in FEATURES], filter_by_created_timestamp=True)
        assert len(job.to_df()) == len(labels)
        ended(began)


def run_duckdb(folder):
    import duckdb
    began = started()
    of = ", ".join("r." + f for f in FEATURES)
    duckdb.sql(f"""COPY (SELECT l.*, {of} FROM read_parquet({files(folder, "labels")!r}) l ASOF LEFT JOIN read_parquet({files(folder, "rows")!r}) r
        ON l.applicant_id = r.applicant_id AND l.event_timestamp >= r.event_timestamp) TO '{folder}/duckdb.parquet' (FORMAT parquet)""")
    ended(began)


def run_polars(folder):
    import polars
    began = started()
    labels = polars.read_parquet(files(folder, "labels")).sort("event_timestamp")
    rows = polars.read_parquet(files(folder, "rows"), columns=["applicant_id", "event_timestamp"] + FEATURES).sort("event_timestamp")
    labels.join_asof(rows, on="event_timestamp", by="applicant_id").write_parquet(f"{folder}/polars.parquet")
    ended(began)


def started():
    return time.monotonic(), processor()


def processor():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def ended(began):
    print(f"took {time.monotonic() - began[0]} {processor() - began[1]}")


def measured(command):
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    wall, used = time.monotonic() - began, usage.ru_utime + usage.ru_stime
    for line in said.splitlines():
        if line.startswith("took "):
            wall, used = map(float, line.split()[1:])
    return wall, usage.ru_maxrss / 1024, used


def main():
    if sys.argv[1] == "--only":
        globals()["run_" + sys.argv[2]](sys.argv[3])
        return
    program, folder = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    merged = os.path.join(folder, "all-rows.parquet")  # Feast reads one file
    if not os.path.exists(merged):
        import pyarrow.parquet
        table = pyarrow.concat_tables([pyarrow.parquet.read_table(p) for p in files(folder, "rows")])
        pyarrow.parquet.write_table(table, merged)
    systems = {"LoanOps, cutoff and TTL": [program, folder]}
    for name, what in [("duckdb", "DuckDB, bare as-of join"), ("polars", "polars, bare as-of join"), ("feast", "Feast with DuckDB, cutoff and TTL")]:
        systems[what] = [sys.executable, __file__, "--only", name, folder]
    seen = {name: [] for name in systems}
    for _ in range(rounds):
        for name, command in systems.items():
            seen[name].append(measured(command))
    middle = {name: [statistics.median(run[i] for run in runs) for i in range(3)] for name, runs in seen.items()}
    _, bare, _, feast = list(middle.values())
    print("| system | wall, s | of DuckDB's bare join | of Feast | memory, MiB | processor, s | of DuckDB's | of Feast's |\n|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, (wall, memory, used) in middle.items():
        print(f"| {name} | {wall:.2f} | {wall / bare[0]:.2f} | {wall / feast[0]:.3f} | {memory:.0f} | {used:.2f} | {used / bare[2]:.2f} | {used / feast[2]:.3f} |")


if __name__ == "__main__":
    main()
