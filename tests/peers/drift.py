#!/usr/bin/env python3
"""Drift of a window against a reference, both Parquet: LoanOps beside Evidently's default preset and a bare DuckDB pass that only counts the same bins.

Usage: drift.py DRIFT_PROGRAM FOLDER [ROUNDS]. Each system runs in a process of its own, one after the other in every round; wall times are medians, memory is
the largest resident size of the process. A first look counts both sides and keeps what it counted of the reference; later ones read the window alone.
Run by `make peers-drift`.
"""
import glob
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(__file__))
from data import DOMAINS, NUMBERS, WHOLE, measured  # noqa: E402

FINE = 240  # as many bins of equal rows as LoanOps cuts numbers into


def parts(folder, side):
    return sorted(glob.glob(os.path.join(folder, side + "-*.parquet")))


def run_evidently(folder):
    import pandas
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset
    definition = DataDefinition(numerical_columns=NUMBERS + WHOLE, categorical_columns=list(DOMAINS))
    reference, window = (
        Dataset.from_pandas(pandas.concat([pandas.read_parquet(p) for p in parts(folder, side)], ignore_index=True), data_definition=definition)
        for side in ("reference", "window")
    )
    Report([DataDriftPreset()]).run(window, reference).dict()


def run_duckdb(folder):
    """Counts the rows of both sides in each bin; the cuts are quantiles of a sample of the reference, as LoanOps' are."""
    import duckdb
    reference, window = (f"read_parquet({parts(folder, side)!r})" for side in ("reference", "window"))
    db = duckdb.connect()
    marks = [k / FINE for k in range(1, FINE)]
    quantiles = ", ".join(f"quantile_disc({n}, {marks}) AS {n}" for n in NUMBERS + WHOLE)
    cuts = db.sql(f"SELECT {quantiles} FROM (SELECT * FROM {reference} USING SAMPLE 65536 ROWS)").fetchall()[0]
    counts = [f"histogram({n}, {sorted(set(map(float, c)))}::DOUBLE[])" for n, c in zip(NUMBERS + WHOLE, cuts)] + [f"histogram({n})" for n in DOMAINS]
    for side in (reference, window):
        assert len(db.sql(f"SELECT {', '.join(counts)}, {', '.join(f'count({n})' for n in NUMBERS + WHOLE + list(DOMAINS))} FROM {side}").fetchall()[0]) == 40


def main():
    if sys.argv[1] == "--only":
        globals()["run_" + sys.argv[2]](sys.argv[3])
        return
    program, folder = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    systems = {
        "LoanOps, the first look at a champion: six statistics with p-values": [program, folder],
        "LoanOps, every later look": [program, "-later", folder],
    }
    for name, what in [("duckdb", "DuckDB, counts of the same bins"), ("evidently", "Evidently, default preset")]:
        systems[what] = [sys.executable, __file__, "--only", name, folder]
    seen = {name: [] for name in systems}
    for _ in range(rounds):
        for name, command in systems.items():
            seen[name].append(measured(command))
    bare, theirs = (statistics.median(wall for wall, _, _ in seen[name]) for name in list(systems)[-2:])
    print("| system | wall, s | of DuckDB's counting | of Evidently | memory, MiB | processor, s |\n|---|---:|---:|---:|---:|---:|")
    for name, runs in seen.items():
        wall, memory, cpu = (statistics.median(run[i] for run in runs) for i in range(3))
        print(f"| {name} | {wall:.2f} | {wall / bare:.2f} | {wall / theirs:.4f} | {memory:.0f} | {cpu:.1f} |")


if __name__ == "__main__":
    main()
