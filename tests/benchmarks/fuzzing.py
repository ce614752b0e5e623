"""What 100,000 mutated files do to reading, admission and preprocessing: atheris guides by coverage, a structure-aware mutator spoils, a child process runs.

    nice -n 10 python -m tests.benchmarks.fuzzing --files 100000 --work FOLDER

Seeds are small films in every encoding of ``verification.steps.encodings`` and, where present, the small files of the real DICOM corpus. The target is the
device's own analysis up to the network's input, under both policies in turn. Whatever is no result and no coded refusal of one line is a fault: an exception, a
result with values outside [0, 1], a signal of a native codec, more than 10 s, more than 1.5 GB. Faults are kept as files in the work folder and as records in
``evidence/fuzzing``; running the command again goes on where it stopped. Files are counted once: equal content does not count again, nor does a seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "data" / "dicom_corpus"
EVIDENCE = ROOT / "evidence" / "fuzzing" / "fuzzing.json"
LARGEST = 60_000
SECONDS = 10
MEGABYTES = 1500


@dataclass
class State:
    """What is known so far; written after each portion, so that a crash of the child loses little."""

    files: int = 0
    executions: int = 0
    seeds: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    faults: list[dict[str, str]] = field(default_factory=list)
    restarts: int = 0
    edges: int = 0


def main() -> int:
    """Run or go on with the study; 0 where the number is reached without a fault."""
    options = _options()
    if options.child:
        _child(options)
        return 0
    work = options.work.resolve()
    _make_seeds(work)
    while (state := _read(work)).files < options.files:
        before = state.executions
        _portion(work, options, state)
        if _read(work).executions == before:
            print("the child made no progress; see child.log")  # noqa: T201
            return 2
    return _report(work, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="different mutated files in total")
    parser.add_argument("--work", type=Path, default=ROOT / "artifacts" / "fuzzing", help="folder for corpus, faults and state")
    parser.add_argument("--out", type=Path, default=EVIDENCE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--portion", type=int, default=10_000, help="executions of one child process")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _make_seeds(work: Path) -> None:
    """Write the seeds once."""
    from verification.steps.encodings import ENCODINGS, written

    seeds = work / "seeds"
    if seeds.is_dir():
        return
    for folder in (work, work / "corpus", work / "faults", seeds):
        folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(ENCODINGS):
        written(name, seeds / f"{index:03d}.dcm")
    small = sorted(path for path in CORPUS.rglob("*.dcm") if path.stat().st_size <= LARGEST // 2)
    for path in small:
        (seeds / f"corpus-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}.dcm").write_bytes(path.read_bytes())


def _read(work: Path) -> State:
    path = work / "state.json"
    return State(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else State()


def _write(work: Path, state: State) -> None:
    temporary = work / "state.json.new"
    temporary.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
    temporary.replace(work / "state.json")


def _portion(work: Path, options: argparse.Namespace, state: State) -> None:
    """Run one child; its death by a signal, by time or by memory is a fault, and the next child goes on with another seed."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.benchmarks.fuzzing",
        "--child",
        "--work",
        str(work),
        "--files",
        str(options.files),
    ]
    command += ["--portion", str(options.portion), "--seed", str(options.seed + state.restarts)]
    with (work / "child.log").open("ab") as log:
        process = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False)
    state = _read(work)
    state.restarts += 1
    state.edges = _edges(work / "child.log") or state.edges
    for artifact in sorted(work.glob("faults/native-*")):
        told = {fault.get("file") for fault in state.faults}
        if artifact.name not in told:
            state.faults.append(
                {"kind": artifact.name.split("-")[1], "file": artifact.name, "detail": f"child ended with {process.returncode}"}
            )
    _write(work, state)


def _edges(log: Path) -> int:
    found = re.findall(rb"cov: (\d+)", log.read_bytes())
    return int(found[-1]) if found else 0


def _child(options: argparse.Namespace) -> None:
    """Fuzz in this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(
        include=["device_sw.dicom", "device_sw.preprocessing", "pydicom.filereader", "pydicom.encaps"]
    ):
        from tests.device_sw.dicom.mutation import mutated

        target = Target(options.work, options.portion)

    def spoil(data: bytes, limit: int, seed: int) -> bytes:
        random = Random(seed)
        return (mutated(data, random) if random.random() < 0.85 else atheris.Mutate(data, limit))[:limit]

    work = options.work
    flags = [
        f"-runs={options.portion}", f"-seed={options.seed}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={LARGEST}", "-len_control=0",
        f"-artifact_prefix={work / 'faults'}/native-", "-print_final_stats=1", str(work / "corpus"), str(work / "seeds"),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags], target, custom_mutator=spoil)
    atheris.Fuzz()


class Target:
    """Judges one file after another and keeps count."""

    def __init__(self, work: Path, portion: int) -> None:
        """Load the device before anything is fuzzed."""
        from tests.device_sw.dicom.corpus import whole_outcome

        self._outcome, self._work, self._portion = whole_outcome, work, portion
        self._state = _read(work)
        self._counts = Counter(self._state.outcomes)
        self._seen = _seen(work)
        seeds = {_key(path.read_bytes()) for path in (work / "seeds").iterdir()}
        self._state.seeds, self._seeds = len(seeds), seeds
        self._new: list[bytes] = []
        self._runs = 0
        self._path = Path(os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm") / f"thoratrace-fuzzing-{os.getpid()}.dcm"
        self._path = self._path if self._path.parent.is_dir() else work / "input.dcm"

    def __call__(self, content: bytes) -> None:
        """Run the device on one content."""
        key = _key(content)
        self._runs += 1
        self._state.executions += 1
        if key not in self._seeds and key not in self._seen:
            self._seen.add(key)
            self._new.append(key)
            self._state.files += 1
        self._path.write_bytes(content)
        try:
            told = self._outcome(self._path, key[0] % 2 == 0)
        except BaseException as fault:  # noqa: BLE001  whatever escapes is the finding
            told = f"fault {type(fault).__name__}"
            self._keep(content, fault)
        self._counts[told] += 1
        if self._runs % 500 == 0 or self._runs >= self._portion - 1:
            self._save()

    def _keep(self, content: bytes, fault: BaseException) -> None:
        last = traceback.extract_tb(fault.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.name}"
        kind = f"{type(fault).__name__} in {where}"
        if kind in {known["kind"] for known in self._state.faults}:
            return
        name = f"python-{hashlib.sha256(content).hexdigest()[:12]}.dcm"
        (self._work / "faults" / name).write_bytes(content)
        (self._work / "faults" / f"{name}.txt").write_text("".join(traceback.format_exception(fault)), encoding="utf-8")
        self._state.faults.append({"kind": kind, "file": name, "detail": str(fault)[:200]})

    def _save(self) -> None:
        self._state.outcomes = dict(sorted(self._counts.items()))
        with (self._work / "seen.bin").open("ab") as file:
            file.write(b"".join(self._new))
        self._new.clear()
        _write(self._work, self._state)


def _key(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:8]


def _seen(work: Path) -> set[bytes]:
    path = work / "seen.bin"
    data = path.read_bytes() if path.exists() else b""
    return {data[start : start + 8] for start in range(0, len(data), 8)}


def _covered(work: Path) -> dict[str, str]:
    """Return the share of lines of reading, admission and preprocessing that the seeds and the corpus found reach, by coverage.py in a child process."""
    script = (
        "import sys; from pathlib import Path; from tests.device_sw.dicom.corpus import whole_outcome\n"
        "for path in sorted(p for folder in sys.argv[1:] for p in Path(folder).iterdir()): whole_outcome(path, False)"
    )
    data, report = work / "coverage.data", work / "coverage.json"
    common = ["--data-file", str(data)]
    run = [sys.executable, "-W", "ignore", "-m", "coverage", "run", *common, "--source=device_sw.dicom,device_sw.preprocessing"]
    (work / "measure.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}\n", encoding="utf-8")
    subprocess.run(
        [*run, str(work / "measure.py"), str(work / "seeds"), str(work / "corpus")], cwd=ROOT, check=True, capture_output=True
    )
    subprocess.run(
        [sys.executable, "-m", "coverage", "json", *common, "-o", str(report)], cwd=ROOT, check=True, capture_output=True
    )
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    return {name: f"{value['summary']['percent_covered']:.1f} %" for name, value in sorted(files.items())}


def _report(work: Path, options: argparse.Namespace) -> int:
    """Write the evidence."""
    from device_sw._version import __version__

    state = _read(work)
    value = {
        "schema": "thoratrace/fuzzing/1",
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": __version__,
        "command": f"python -m tests.benchmarks.fuzzing --files {options.files} --seed {options.seed}",
        "scope": "reading, admission and preprocessing of tt-default-1, both policies in turn; up to the network's input",
        "limits": {"seconds": SECONDS, "megabytes": MEGABYTES, "bytes": LARGEST},
        "seeds": state.seeds,
        "mutated_files": state.files,
        "executions": state.executions,
        "uncaught": len(state.faults),
        "faults": state.faults,
        "corpus_found": len(list((work / "corpus").iterdir())),
        "edges": state.edges,
        "lines_covered": _covered(work),
        "outcomes": state.outcomes,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({key: value[key] for key in ("mutated_files", "executions", "uncaught", "edges")}))  # noqa: T201  the result
    return 0 if not state.faults else 1


if __name__ == "__main__":
    raise SystemExit(main())
