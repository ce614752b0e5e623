"""Every file of the real DICOM corpus, and every bomb, through the whole device: a result or a coded refusal, no traceback, 10 s, 1.5 GB.

    python -m tests.benchmarks.dicom_corpus --bundle artifacts/bundle

The device is made once for each policy; each file is then taken by a forked child that runs the batch of the command line (reading to written output, DICOM objects and heat map
included), and whose processor time, peak memory, output and end are the parent's to observe. Processor time is what a quiet machine takes; a child that is
silent for three times the allowed time by the clock is killed, whatever it waits for. Writes ``evidence/dicom_corpus/device.json``. ``--only TEXT`` tries the
files whose name holds TEXT and writes nothing. The bombs are made by ``tests.device_sw.dicom.bombs``; nothing of the corpus is ever committed but its names.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from device_sw.batch.examination import InProcess
from device_sw.batch.run import Batch
from device_sw.device import Device
from device_sw.report.outputs import Wanted
from device_sw.types import Policy
from tests.device_sw.dicom.bombs import BOMBS
from tests.device_sw.dicom.corpus import CORPUS, EVIDENCE, ROOT, files

SECONDS, MEGABYTES = 10.0, 1500


def main() -> int:
    """Run the study; 0 where every file ended as it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "artifacts" / "bundle")
    parser.add_argument("--only", default="", help="part of a file's name")
    options = parser.parse_args()
    devices = {policy.value: Device(options.bundle, policy) for policy in Policy}
    rows, bombs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for path in files():
            name = path.relative_to(CORPUS).as_posix()
            if options.only in name:
                rows.append({"file": name, **_both(devices, path, Path(folder))})
        for name, make in BOMBS.items():
            if options.only in name:
                path = Path(folder) / "bomb.dcm"
                path.write_bytes(make())
                bombs.append({"file": name, "bytes": path.stat().st_size, **_both(devices, path, Path(folder))})
    value = _summary(devices, rows, bombs)
    if not options.only:
        (EVIDENCE / "device.json").write_text(_text(value), encoding="utf-8")
    told = {
        key: value[key]
        for key in ("files", "bombs_tried", "tracebacks", "over_time", "over_memory", "longest_s", "peak_memory_mb")
    }
    print(json.dumps(told), *(f"\n{row}" for row in (rows + bombs if options.only else [])))  # noqa: T201  the result
    return 1 if value["tracebacks"] or value["over_time"] or value["over_memory"] else 0


def _both(devices: dict[str, Device], path: Path, folder: Path) -> dict:
    return {policy: _taken(device, path, folder / "out") for policy, device in devices.items()}


def _taken(device: Device, path: Path, root: Path) -> dict:
    """Let a child take one file into its own output folder, and return what it says of it with seconds and megabytes."""
    receive, send = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(receive)
        _child(device, path, root, send)
    os.close(send)
    said = _until_closed(receive, child)
    _, status, usage = os.wait4(child, 0)
    told = json.loads(said) if said else {"outcome": "died", "code": f"wait status {status}", "also": []}
    spent = {"seconds": round(usage.ru_utime + usage.ru_stime, 2), "seconds_by_the_clock": round(time.perf_counter() - start, 2)}
    return {**told, **spent, "megabytes": usage.ru_maxrss // 1024}


def _until_closed(pipe: int, child: int) -> bytes:
    """Return what the child writes; kill it where it is silent for three times the allowed time."""
    said = b""
    while select.select([pipe], [], [], 3 * SECONDS)[0]:
        part = os.read(pipe, 65536)
        if not part:
            break
        said += part
    else:
        os.kill(child, signal.SIGKILL)
    os.close(pipe)
    return said


def _child(device: Device, path: Path, root: Path, send: int) -> None:
    """Take the file and say what came of it; never return."""
    import shutil

    log = tempfile.TemporaryFile()  # noqa: SIM115  the process ends here
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    shutil.rmtree(root, ignore_errors=True)
    try:
        told = _batched(device, path, root)
    except BaseException as fault:  # noqa: BLE001  whatever escapes is the finding
        told = {"outcome": "traceback", "code": type(fault).__name__, "also": [], "detail": str(fault)[:200]}
    sys.stdout.flush()
    sys.stderr.flush()
    log.seek(0)
    if log.read():
        told["printed"] = True
    os.write(send, json.dumps(told).encode())
    os._exit(0)


def _batched(device: Device, path: Path, root: Path) -> dict:
    batch = Batch(InProcess(device, Wanted(datetime.now(UTC))), root, lambda _: None)
    batch.take(path)
    batch.finish()
    (outcome,) = batch.outcomes
    if outcome["status"] == "analysed":
        record = json.loads((root / outcome["file"]).read_text(encoding="utf-8"))
        return {"outcome": "analysed", "code": None, "cautions": [text.split(":")[0] for text in record["cautions"]]}
    record = json.loads((root / outcome["file"]).read_text(encoding="utf-8"))
    return {"outcome": outcome["status"], "code": outcome["code"], "also": [reason["code"] for reason in record["reasons"][1:]]}


def _summary(devices: dict[str, Device], rows: list[dict], bombs: list[dict]) -> dict:
    told = [row[policy] for row in rows + bombs for policy in devices]
    counts = {policy: dict(sorted(Counter(row[policy]["code"] or "analysed" for row in rows).items())) for policy in devices}
    device = next(iter(devices.values()))
    return {
        "schema": "thoratrace/corpus-outcomes/3",
        "date": datetime.now(UTC).date().isoformat(),
        "scope": "the whole device, from the file to its written outputs; seconds of processor time",
        "device_version": device.version,
        "bundle_sha256": device.bundle_sha256,
        "limits": {"seconds": SECONDS, "megabytes": MEGABYTES},
        "files": len(rows),
        "bombs_tried": len(bombs),
        "counts": counts,
        "tracebacks": sum(one["outcome"] in {"traceback", "died", "failed"} or "printed" in one for one in told),
        "over_time": sum(one["seconds"] > SECONDS for one in told),
        "over_memory": sum(one["megabytes"] > MEGABYTES for one in told),
        "longest_s": max((one["seconds"] for one in told), default=0.0),
        "peak_memory_mb": max((one["megabytes"] for one in told), default=0),
        "memory_before_any_file_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "bombs": bombs,
        "outcomes": rows,
    }


def _text(value: dict) -> str:
    """Return JSON with one line for each file, so that a change of one outcome is a change of one line."""
    head = json.dumps(
        {key: part for key, part in value.items() if key not in {"bombs", "outcomes"}}, indent=1, ensure_ascii=False
    )
    lists = (
        f' "{key}": [\n' + ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in value[key]) + "\n ]"
        for key in ("bombs", "outcomes")
    )
    return f"{head[:-2]},\n" + ",\n".join(lists) + "\n}\n"


if __name__ == "__main__":
    raise SystemExit(main())
