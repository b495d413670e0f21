#!/usr/bin/env python3
"""Twenty features of three views of one applicant, by key: LoanOps' server of features and Feast's, both on SQLite, asked over HTTP by 64 callers at once, one after the other.
Before, a Feast client (RemoteOnlineStore, told where the server is by online_store in its feature_store.yaml) asks each of them the same, and must get what is held.

Usage: features_online.py LOAD_PROGRAM LOANOPS FOLDER [SECONDS]; with 0 seconds there is no load, and no server of Feast's. Run by `make peers-features-online` and
`make feast-client`.
"""
import contextlib
import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request

KEY = "peers"


def views_of(held):
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64
    applicant = Entity(name="applicant", join_keys=["applicant_id"], value_type=ValueType.STRING)
    source = FileSource(name="rows", path="rows.parquet", timestamp_field="event_timestamp")
    return [applicant] + [
        FeatureView(name=v["name"], entities=[applicant], ttl=datetime.timedelta(days=90), schema=[Field(name=f, dtype=Float64) for f in v["features"]], source=source, online=True)
        for v in held["views"]]


def repository(folder, online):
    """A folder with a feature_store.yaml."""
    with open(os.path.join(folder, "feature_store.yaml"), "w") as out:
        out.write("project: peers\nprovider: local\nregistry: registry.db\nentity_key_serialization_version: 3\n" + textwrap.dedent(online))
    return folder


def feast_store(folder, held):
    """Feast's own: a registry and a SQLite online store in which all is written."""
    import pandas
    from feast import FeatureStore
    repository(folder, "online_store: {type: sqlite, path: online.db}\n")
    at = datetime.datetime.fromisoformat(held["at"])
    frame = pandas.DataFrame({"applicant_id": held["applicants"], "event_timestamp": at})
    n = 0
    frames = []
    for v in held["views"]:
        of = pandas.DataFrame({f: [row[n + i] for row in held["values"]] for i, f in enumerate(v["features"])})
        frames.append((v["name"], pandas.concat([frame, of], axis=1)))
        n += len(v["features"])
    pandas.concat([frame] + [f.drop(columns=["applicant_id", "event_timestamp"]) for _, f in frames], axis=1).to_parquet(os.path.join(folder, "rows.parquet"))
    before = os.getcwd()
    os.chdir(folder)
    try:
        store = FeatureStore(repo_path=".")
        store.apply(views_of(held))
        for name, of in frames:
            store.write_to_online_store(name, of)
    finally:
        os.chdir(before)


def ask_as_client(folder, url, held, auth):
    """What a Feast client that is told of a server by its configuration gets of it must be what is held."""
    from feast import FeatureStore
    repository(folder, f"online_store: {{type: remote, path: '{url}'}}\n" + auth)
    client = FeatureStore(repo_path=folder)
    references = [f"{v['name']}:{f}" for v in held["views"] for f in v["features"]]
    some = [0, 7, len(held["applicants"]) - 1]
    asked = [{"applicant_id": held["applicants"][i]} for i in some] + [{"applicant_id": "nobody"}]
    for full in [False, True]:
        answer = client.get_online_features(features=references, entity_rows=asked, full_feature_names=full).to_dict()
        assert answer["applicant_id"] == [a["applicant_id"] for a in asked], answer["applicant_id"]
        for n, reference in enumerate(references):
            name = reference.replace(":", "__") if full else reference.split(":")[1]
            want = [held["values"][i][n] for i in some] + [None]
            assert answer[name] == want, f"{name}: {answer[name]}, not {want}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def server(command, url, path, **options):
    """A server, once it answers."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **options)
        try:
            for _ in range(600):
                if process.poll() is not None:
                    log.seek(0)
                    sys.exit(f"{command[0]} ended: {log.read().decode()[-2000:]}")
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(url + path, timeout=1).read()
                    break
                time.sleep(0.1)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            process.wait()


def seconds_of(group):
    """Processor time of a group of processes so far."""
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            if int(fields[2]) == group:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def main():
    load, loanops, folder = sys.argv[1:4]
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 10
    held = json.load(open(os.path.join(folder, "held.json")))
    # A client that has a token sends it as LoanOps' server wants it; that is how Feast's configuration gives it one.
    auth = f"auth: {{type: oidc, token: {KEY}}}\n"
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        def in_scratch(name):
            os.makedirs(os.path.join(scratch, name))
            return os.path.join(scratch, name)

        def measured(name, process, url, *more):
            before = seconds_of(process.pid)
            result = json.loads(subprocess.run([load, "-url", url, "-key", KEY, "-for", f"{seconds}s", *more, folder], check=True, stdout=subprocess.PIPE).stdout)
            result["processor"] = (seconds_of(process.pid) - before) / seconds
            found[name] = result
            print(f"{name:<34}{result['per_second']:>10.0f} /s   p50 {result['p50']:>8.2f} ms   p99 {result['p99']:>8.2f} ms   server's processors {result['processor']:.2f}", flush=True)

        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environment = {**os.environ, "LOANOPS_FEATURES_DATABASE": "sqlite://" + os.path.abspath(os.path.join(folder, "features.db"))}
        with server([loanops, "features", "serve", "--keys-file", os.path.join(folder, "keys.json"), "--address", f"127.0.0.1:{port}"], url, "/readyz", env=environment) as process:
            ask_as_client(in_scratch("client-of-loanops"), url, held, auth)
            print("a Feast client gets from LoanOps' server what is held")
            if seconds == 0:
                return
            measured("LoanOps, reads", process, url)
            measured("LoanOps, reads of one caller", process, url, "-callers", "1")
            measured("LoanOps, events", process, url, "-events")  # last, for they change what is held
        own = in_scratch("feast")
        feast_store(own, held)
        program = os.path.join(os.path.dirname(sys.executable), "feast")
        for workers in [1, os.cpu_count()]:
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            command = [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--no-access-log", "--max-requests", "100000000"]
            with server(command, url, "/health", cwd=own) as process:
                if workers == 1:
                    ask_as_client(in_scratch("client-of-feast"), url, held, "")
                    print("and from Feast's")
                measured(f"Feast, reads, {workers} workers", process, url)
                if workers == 1:
                    measured("Feast, reads of one caller", process, url, "-callers", "1")
        best = max(r["per_second"] for name, r in found.items() if name.startswith("Feast, reads,"))
        print(f"LoanOps answers {found['LoanOps, reads']['per_second'] / best:.1f} times as many as Feast")


if __name__ == "__main__":
    main()
