"""Tries runs and registry against a real MLflow server with PostgreSQL and an S3-compatible store, by configuration alone; external evidence.

    python -m tests.benchmarks.mlflow_server --server-python PYTHON [--postgres BIN]

PYTHON is an environment of its own with mlflow, psycopg[binary], boto3 and moto[server]; BIN is PostgreSQL's folder of programs (Debian package ``postgresql``).
The client is this project's environment and has neither a database driver nor an S3 library: it knows only MLFLOW_TRACKING_URI. The bundles are untrained ones, made
by the real code: what is tried is the store. The S3-compatible store is moto's server, which keeps objects in memory; it speaks the protocol, and says nothing about
durability. Everything else is started in a temporary folder and stopped again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline import alias_moves, registry, tracking
from pipeline.registry_store import RegistrationRefused, open_registry
from pipeline.repository import commit
from pipeline.run import REPOSITORY, Run, file_sha256, read_json, write_json
from tests.pipeline.conftest import say_chosen_for, sha256, write_bundle, write_manifest

EVIDENCE = REPOSITORY / "evidence" / "mlflow_server" / "mlflow_server.json"
BUCKET, DATABASE = "thoratrace", "mlflow"
PATIENCE_S = 240


def main():
    """Start the servers, use them through the project's own code, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server-python", type=Path, required=True, help="interpreter of the server's environment")
    parser.add_argument("--postgres", type=Path, default=Path("/usr/lib/postgresql/15/bin"), help="PostgreSQL's programs")
    parser.add_argument("--output", type=Path, default=EVIDENCE)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="mlflow-trial-")))
        folder.chmod(0o755)
        database = stack.enter_context(postgres(chosen.postgres, folder / "pg"))
        store = stack.enter_context(object_store(chosen.server_python))
        seen = trial(chosen, folder, database, store)
    write_json(chosen.output, seen)
    sys.stdout.write(json.dumps(seen["checks"], indent=1) + "\n")
    sys.exit(0 if all(seen["checks"].values()) else 1)


def trial(chosen, folder, database, store):
    """Use the server through two lives of it and return the record."""
    first, second = made_run(folder / "first", "0.0.1"), made_run(folder / "second", "0.0.2")
    checks, port = {}, free_port()
    os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
    with mlflow_server(chosen.server_python, port, database, store):
        checks |= first_life(first, second)
    with mlflow_server(chosen.server_python, port, database, store):
        checks |= second_life(first, folder)
    rows = counts(chosen.postgres, database)
    objects = listing(store)
    checks["the database holds runs, curves, versions and the journal"] = all(rows[name] > 0 for name in rows)
    checks["the object store holds both bundles"] = sum(key.endswith("weights.safetensors") for key in objects) >= 2
    checks["nothing of it lies in the client's folder"] = (
        not list((first.artifact("mlflow")).rglob("*.db")) and not (first.artifact("mlflow") / "artifacts").exists()
    )
    try:
        open_registry(folder / "none")
    except RegistrationRefused as refusal:
        checks["without its server the program says so (REG-STORE)"] = refusal.code == "REG-STORE"
    return {
        "schema": "thoratrace/mlflow-server-trial/1",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(REPOSITORY),
        "code_sha256": tracking.code_sha256(REPOSITORY),
        "versions": versions(chosen),
        "configuration": {
            "client": "MLFLOW_TRACKING_URI=http://HOST:PORT",
            "server": "mlflow server --backend-store-uri postgresql://... --artifacts-destination s3://thoratrace --serve-artifacts",
        },
        "bundles": "untrained, made by the real code; the store is what is tried",
        "object_store": "moto server: S3 protocol, objects in memory; no statement about durability",
        "database_rows": rows,
        "objects": {"count": len(objects), "bytes": sum(objects.values())},
        "checks": checks,
    }


def first_life(first, second):
    """Register and validate one bundle, register a second, and try what must be refused."""
    made = registry.register(first, "trial")
    again = registry.register(first, "trial")
    valid = registry.validate(first, verification_passed=True)
    other = registry.register(second, "trial")
    model = registry.model_of(first)
    client, moves = model.client, alias_moves.journal(model)
    run = client.get_run(model.version(made.version).run_id)
    names = {
        entry.path
        for part in ("training", "validation", "bundle", "environment")
        for entry in client.list_artifacts(run.info.run_id, part)
    }
    client.set_registered_model_alias(model.name, "released", other.version)
    try:
        alias_moves.move(model, "retired", made.version, ground="trial", commit="trial")
        refused = ""
    except RegistrationRefused as refusal:
        refused = refusal.code
    client.delete_registered_model_alias(model.name, "released")
    return {
        "a bundle is registered once": (made.created, again.created, made.version) == (True, False, again.version),
        "aliases come in order, each move a chained line": [(m.alias, m.version, m.previous) for m in moves]
        == [("candidate", "1", ""), ("validated", "1", ""), ("candidate", "2", "1")]
        and valid.aliases == ("candidate", "validated"),
        "an alias moved by another way is refused (REG-UNRECORDED)": refused == "REG-UNRECORDED",
        "the run has parameters, curves, identities of code and data": bool(run.data.params)
        and any("loss" in name for name in run.data.metrics)
        and {"code_sha256", "cohort_sha256", "weights_sha256", "commit"} <= set(run.data.tags)
        and len(run.inputs.dataset_inputs) == 1,
        "the run has plots, environment and bundle": {
            "environment/environment.json",
            "environment/requirements.lock",
            "bundle/manifest.json",
        }
        <= names
        and any(name.endswith(".png") for name in names),
        "artifacts go through the server": run.info.artifact_uri.startswith("mlflow-artifacts:"),
    }


def second_life(first, folder):
    """Read everything back after the MLflow server was stopped and started."""
    model = registry.model_of(first)
    version = registry.find_version(model, sha256(first.artifact("bundle") / "manifest.json"))
    run_id = model.version(version).run_id
    fetched = Path(model.client.download_artifacts(run_id, "bundle", str(folder)))
    original = first.artifact("bundle")
    return {
        "after a restart the journal verifies": len(alias_moves.journal(model)) == 3,
        "after a restart the bundle comes back byte for byte": {p.name: file_sha256(p) for p in fetched.iterdir()}
        == {p.name: file_sha256(p) for p in original.iterdir()},
    }


def made_run(folder, model_version):
    """Lay out a finished run: an untrained bundle by the real code, with the history and plots of the checkout where it has them."""
    run = Run(folder)
    bundle = run.artifact("bundle")
    write_bundle(bundle)
    manifest = read_json(bundle / "manifest.json") | {"model_version": model_version}
    say_chosen_for(bundle)
    write_manifest(bundle)
    manifest["files"] = read_json(bundle / "manifest.json")["files"]
    (bundle / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for name in ("training", "validation"):
        shutil.copytree(REPOSITORY / "artifacts" / name, run.artifact(name), ignore=shutil.ignore_patterns("*.safetensors"))
    bundle_sha256 = sha256(bundle / "manifest.json")
    record = read_json(run.artifact("validation") / "validation.json")
    write_json(
        run.artifact("validation") / "validation.json",
        record | {"endpoints": [dict(e, passed=True) for e in record["endpoints"]]},
    )
    write_json(run.artifact("predictions") / "predictions.json", {"bundle_sha256": bundle_sha256})
    write_json(run.artifact("cohort") / "cohort.json", {"trial": model_version})
    write_json(run.artifact("cut_offs") / "cut_offs.json", {"bundle_sha256": bundle_sha256, "predecessor": None, "passed": True})
    (folder / "params.yaml").write_text((REPOSITORY / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return run


@contextmanager
def postgres(programs, folder):
    """Run a PostgreSQL cluster of its own, as the system's user for it where this one may not, and yield its address."""
    folder.mkdir()
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    port = free_port()

    def call(*words):
        subprocess.run([*as_user, *words], check=True, capture_output=True, cwd=folder)

    call(programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "mlflow")
    call(
        programs / "pg_ctl",
        "-D",
        folder / "data",
        "-w",
        "-o",
        f"-p {port} -k {folder} -h 127.0.0.1",
        "-l",
        folder / "log",
        "start",
    )
    try:
        call(programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", DATABASE)
        yield f"postgresql://mlflow@127.0.0.1:{port}/{DATABASE}"
    finally:
        call(programs / "pg_ctl", "-D", folder / "data", "-m", "fast", "stop")


@contextmanager
def object_store(python):
    """Run moto's S3 server with one bucket and yield its address."""
    port = free_port()
    with process([python.parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)], f"http://127.0.0.1:{port}/moto-api/"):
        put = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
        urllib.request.urlopen(put).close()
        yield f"http://127.0.0.1:{port}"


@contextmanager
def mlflow_server(python, port, database, store):
    """Run the MLflow tracking server over both stores."""
    keys = {
        "AWS_ACCESS_KEY_ID": "trial",
        "AWS_SECRET_ACCESS_KEY": "trial",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_S3_ENDPOINT_URL": store,
    }
    quiet = {name: value for name, value in os.environ.items() if name not in {"MLFLOW_TRACKING_URI", "PYTHONPATH"}}
    command = [python.parent / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database, "--artifacts-destination", f"s3://{BUCKET}", "--serve-artifacts"]
    with process(command, f"http://127.0.0.1:{port}/health", quiet | keys | {"MLFLOW_DISABLE_TELEMETRY": "true"}):
        yield


@contextmanager
def process(command, answers, environment=None):
    """Run a server until the block ends, once it answers."""
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        try:
            until_it_answers(answers, running, log)
            yield
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGTERM)
            running.wait(PATIENCE_S)


def until_it_answers(address, running, log):
    """Wait until an address answers.

    Raises:
        RuntimeError: the server ended, or did not answer in time; with the end of its log.
    """
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and running.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
        else:
            return
    log.seek(0)
    raise RuntimeError(f"no answer from {address}: {log.read()[-2000:]}")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def counts(programs, database):
    """Return rows of the tables that matter."""
    tables = ("runs", "params", "metrics", "inputs", "model_versions", "registered_model_tags", "registered_model_aliases")
    return {name: int(query(programs, database, f"select count(*) from {name}")) for name in tables}


def query(programs, database, text):
    return subprocess.run([programs / "psql", database, "-Atc", text], check=True, capture_output=True, text=True).stdout.strip()


def listing(store):
    """Return key -> size of every object of the bucket."""
    objects, after = {}, ""
    while True:
        page = urllib.request.urlopen(f"{store}/{BUCKET}?list-type=2{after}").read().decode()
        objects.update({key: int(size) for key, size in re.findall(r"<Key>(.*?)</Key>.*?<Size>(\d+)</Size>", page, re.DOTALL)})
        token = re.search(r"<NextContinuationToken>(.*?)</NextContinuationToken>", page)
        if not token:
            return objects
        after = f"&continuation-token={token.group(1)}"


def versions(chosen):
    """Return what took part."""
    server = subprocess.run([chosen.server_python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    wanted = ("mlflow==", "psycopg==", "boto3==", "moto==")
    return {
        "postgresql": subprocess.run(
            [chosen.postgres / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout.strip(),
        "server": sorted(line for line in server.splitlines() if line.startswith(wanted)),
        "client": f"mlflow=={tracking.environment()['distributions']['mlflow']}",
    }


if __name__ == "__main__":
    main()
