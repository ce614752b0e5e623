"""Steps on runs that are killed, repeated, shared out or compared with their trail."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, then, when

from device_sw import merkle
from device_sw.batch.examination import InProcess
from device_sw.batch.inspection import inspect
from device_sw.batch.run import Batch
from device_sw.device import Device, Engine, open_engine
from device_sw.errors import DeviceError
from device_sw.report.folder import OutputFolder
from device_sw.report.outputs import Wanted
from verification.steps import bundles, films
from verification.steps.command import Command, Run, invoke, run_analyse

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


@dataclass
class Folder:
    """An output folder, the inputs of its run, and what lay in it before the command was given again."""

    out: Path
    inputs: list[Path]
    bundle: Path
    audit: bytes = b""
    contents: dict[str, bytes] | None = None
    told: Command | None = None


def _contents(out: Path) -> dict[str, bytes]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def _parts(out: Path) -> list[Path]:
    return sorted(out.rglob(".*.part"))


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@given("a finished folder", target_fixture="folder")
def _finished(batch: Run, tmp_path: Path) -> Folder:
    out = shutil.copytree(batch.out, tmp_path / "out")
    return Folder(out, list(batch.inputs), batch.bundle, (out / "audit.jsonl").read_bytes(), _contents(out))


def _undo_names(folder: Folder) -> None:
    """Give the files of the last input their temporary names back."""
    last = json.loads(folder.audit.splitlines()[-1])
    assert len(last["files"]) >= 2, f"expected several files of the last input, observed {sorted(last['files'])}"
    for name in last["files"]:
        (folder.out / name).rename(_part(folder.out / name))


@given("a finished folder as a run leaves it that died before the last input's files had their names", target_fixture="folder")
def _unnamed(batch: Run, tmp_path: Path) -> Folder:
    folder = _finished(batch, tmp_path)
    _undo_names(folder)
    return folder


@given("a finished folder with parts that no audit line names", target_fixture="folder")
def _stray(batch: Run, tmp_path: Path) -> Folder:
    folder = _finished(batch, tmp_path)
    _part(folder.out / "results" / "0006-abcdef01.json").write_text('{"half":', encoding="utf-8")
    (folder.out / "dicom" / "0006-abcdef01").mkdir(parents=True)
    _part(folder.out / "dicom" / "0006-abcdef01" / "sr.dcm").write_bytes(b"half")
    return folder


@given("a finished folder as a run leaves it that died in the middle of the last audit line", target_fixture="folder")
def _cut(batch: Run, tmp_path: Path) -> Folder:
    folder = _finished(batch, tmp_path)
    _undo_names(folder)
    (folder.out / "audit.jsonl").write_bytes(folder.audit[:-40])
    return folder


@given("a finished folder that another run is writing to", target_fixture="folder")
def _locked(batch: Run, tmp_path: Path, request: pytest.FixtureRequest) -> Folder:
    folder = _finished(batch, tmp_path)
    other = (folder.out / "audit.jsonl").open("ab")
    fcntl.flock(other, fcntl.LOCK_EX)
    request.addfinalizer(other.close)
    return folder


@given("a run over four films that is killed after its first audit line", target_fixture="folder")
def _killed(small_bundle: Path, tmp_path: Path) -> Folder:
    inputs = [films.write(films.film(name=f"film {number}"), tmp_path / f"{number}.dcm") for number in range(4)]
    out = tmp_path / "out"
    program = [sys.executable, "-m", "device_sw", "analyse", *map(str, inputs), "-o", str(out), "--bundle", str(small_bundle)]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trail, began = out / "audit.jsonl", time.monotonic()
    while process.poll() is None and not (trail.exists() and trail.stat().st_size) and time.monotonic() - began < 300:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert trail.exists(), "expected an audit file before the run was killed, observed none"
    return Folder(out, inputs, small_bundle)


@then("every visible file is whole and named by an audit line")
def _whole(folder: Folder) -> None:
    lines = [json.loads(line) for line in (folder.out / "audit.jsonl").read_bytes().split(b"\n")[:-1]]
    named = {name: digest for line in lines for name, digest in line["files"].items()}
    visible = {name: content for name, content in _contents(folder.out).items() if "/" in name and "/." not in name}
    wrong = [name for name, content in visible.items() if named.get(name) != hashlib.sha256(content).hexdigest()]
    assert not wrong, f"expected visible files as their lines say, observed others: {wrong}"


@when("the same command is given again")
def _again(folder: Folder) -> None:
    names = [str(path) for path in folder.inputs]
    folder.told = invoke("analyse", *names, "-o", str(folder.out), "--bundle", str(folder.bundle))


@then("each input has one audit line, the folder agrees with its trail and no part is left")
def _one_line_each(folder: Folder) -> None:
    lines = [json.loads(line) for line in (folder.out / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    observed = [line["content_sha256"] for line in lines if "event" not in line]
    expected = [bundles.sha256(path) for path in folder.inputs]
    assert observed == expected, f"expected one line for each of {len(expected)} inputs, observed {len(observed)}"
    found = inspect(folder.out)
    assert found.difference is None, f"expected agreement, observed {found.difference}"
    assert not _parts(folder.out), f"expected no part, observed {_parts(folder.out)}"


@then("the files have their names and bytes, and the audit file is as it was")
def _completed(folder: Folder) -> None:
    before = {name: content for name, content in (folder.contents or {}).items() if "/" in name}
    after = {name: content for name, content in _contents(folder.out).items() if "/" in name}
    assert after == before, f"expected {sorted(before)}, observed {sorted(after)}"
    assert (folder.out / "audit.jsonl").read_bytes() == folder.audit, "expected the audit file as it was, observed another"


@then("no part is left and the audit file is as it was")
def _removed(folder: Folder) -> None:
    assert not _parts(folder.out), f"expected no part, observed {_parts(folder.out)}"
    assert not (folder.out / "dicom" / "0006-abcdef01").exists(), "expected no empty folder of the input, observed one"
    assert (folder.out / "audit.jsonl").read_bytes() == folder.audit, "expected the audit file as it was, observed another"


@then("the cut line lies in quarantine, a line tells its hash, and the input is recorded again")
def _set_aside(folder: Folder) -> None:
    torn = folder.audit[:-40].rpartition(b"\n")[2]
    kept = [path.read_bytes() for path in sorted((folder.out / "quarantine").glob("*"))]
    assert kept == [torn], f"expected the cut line in quarantine, observed {kept}"
    lines = [json.loads(line) for line in (folder.out / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    told = [line["cut_sha256"] for line in lines if line.get("event") == "recovered"]
    assert told == [hashlib.sha256(torn).hexdigest()], f"expected one line that tells the hash, observed {told}"
    indices = [line["index"] for line in lines if "event" not in line]
    assert indices == [1, 2, 3, 4, 5], f"expected each input once, observed {indices}"
    found = inspect(folder.out)
    assert found.difference is None, f"expected agreement, observed {found.difference}"


@then(parsers.parse("it ended with {code:d}, named {name} and changed nothing"))
def _refused(folder: Folder, code: int, name: str) -> None:
    assert folder.told is not None
    assert folder.told.code == code, f"expected {code}, observed {folder.told.code}"
    assert name in folder.told.stderr, f"expected {name}, observed {folder.told.stderr!r}"
    assert _contents(folder.out) == folder.contents, "expected the folder as it was, observed a change"


@then("the audit file is as it was and stdout says of each input that it was recorded earlier")
def _not_twice(folder: Folder) -> None:
    assert folder.told is not None
    assert (folder.out / "audit.jsonl").read_bytes() == folder.audit, "expected no line more, observed another audit file"
    said = folder.told.stdout.count("(recorded earlier)")
    assert said == len(folder.inputs), f"expected {len(folder.inputs)} inputs recorded earlier, observed {said}"
    assert folder.told.code == 1, f"expected the exit code of the outcomes, observed {folder.told.code}"


@when("its command is given again without the limit", target_fixture="run")
def _without_limit(run: Run) -> Run:
    return run_analyse(list(run.inputs), run.out, run.bundle)


@then("it ends with 0 and the folder agrees with its trail")
def _good_after_all(run: Run) -> None:
    assert run.code == 0, f"expected 0, observed {run.code}: {run.stderr}"
    found = inspect(run.out)
    assert (found.inputs, found.difference) == (1, None), f"expected one input in agreement, observed {found}"


@given("an output folder with a summary", target_fixture="output")
def _with_summary(tmp_path: Path) -> OutputFolder:
    output = OutputFolder(tmp_path / "out")
    output.replace({"summary.json": b"{}\n"})
    return output


@when("the disk is full half way through its next summary", target_fixture="reported")
def _full(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> str:
    write, calls = os.write, itertools.count()

    def half(descriptor: int, content: memoryview) -> int:
        if next(calls):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[: len(content) // 2])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        try:
            output.replace({"summary.json": b'{"inputs": 1}\n'})
        except DeviceError as error:
            return error.code
    return "nothing"


@then("OUT-WRITE is reported, and the summary is as it was")
def _summary_kept(output: OutputFolder, reported: str) -> None:
    kept = {path.name: path.read_bytes() for path in output.root.iterdir() if path.is_file()}
    assert reported == "OUT-WRITE", f"expected OUT-WRITE, observed {reported}"
    assert kept == {"summary.json": b"{}\n"}, f"expected the summary alone and as it was, observed {kept}"


class _Breaking:
    """The real detector, which breaks on the first film with words that must not come out."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.films = engine, 0

    def detect(self, model_input: object) -> object:
        self.films += 1
        if self.films == 1:
            raise ZeroDivisionError("PLANTEDNAME")
        return self.engine.detector.detect(model_input)  # type: ignore[arg-type]

    def self_test(self) -> object:
        return self.engine.detector.self_test()


@when("two films are analysed by a device that breaks on the first with a patient's name in its message", target_fixture="out")
def _breaking(small_bundle: Path, tmp_path: Path) -> Path:
    engine = open_engine(small_bundle)
    changed = {name: getattr(engine, name) for name in engine.__dataclass_fields__} | {"detector": _Breaking(engine)}
    device = Device(small_bundle, open_engine=lambda _: Engine(**changed))
    batch = Batch(InProcess(device, Wanted(run_time=datetime.now(UTC), dicom=False)), tmp_path / "out", print)
    with suppress(ZeroDivisionError):
        batch.take(*(films.write(films.film(name=name), tmp_path / f"{name}.dcm") for name in ("first", "second")))
        batch.finish()
    return tmp_path / "out"


@then("the first is recorded as failed with INF-UNEXPECTED, the second is analysed, and no output holds the name")
def _broke(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (out / "summary.json").is_file(), "expected a run that comes to its end, observed one without summary"
    outcomes = [(each["status"], each["code"]) for each in json.loads((out / "summary.json").read_bytes())["outcomes"]]
    expected = [("failed", "INF-UNEXPECTED"), ("analysed", None)]
    assert outcomes == expected, f"expected {expected}, observed {outcomes}"
    leaked = [name for name, content in _contents(out).items() if b"PLANTEDNAME" in content]
    assert not leaked, f"expected no name in any output, observed it in {leaked}"
    assert "PLANTEDNAME" not in capsys.readouterr().out, "expected no name in a message, observed it"


@when("two films with one SOP Instance UID and different pictures are analysed", target_fixture="out")
def _twins(small_bundle: Path, tmp_path: Path) -> Path:
    pictures = (films.picture(600, 512, seed=1), films.picture(600, 512, seed=2))
    paths = [films.write(films.film(shown, name="twin"), tmp_path / f"{n}.dcm") for n, shown in enumerate(pictures)]
    invoke("analyse", *map(str, paths), "-o", str(tmp_path / "out"), "--bundle", str(small_bundle))
    return tmp_path / "out"


@then("the first is analysed and the second refused with ADM-DUPLICATE")
def _second_refused(out: Path) -> None:
    outcomes = [(each["status"], each["code"]) for each in json.loads((out / "summary.json").read_bytes())["outcomes"]]
    expected = [("analysed", None), ("refused", "ADM-DUPLICATE")]
    assert outcomes == expected, f"expected {expected}, observed {outcomes}"


def _analysed(out: Path, bundle: Path, *arguments: str) -> Path:
    told = invoke("analyse", *arguments, "-o", str(out), "--bundle", str(bundle))
    assert told.code in {0, 1}, f"expected a finished run, observed {told}"
    return out


@when("two films and a text file are analysed in two orders", target_fixture="outs")
def _two_orders(small_bundle: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    paths = [films.write(films.film(name=name), tmp_path / f"{name}.dcm") for name in ("first", "second", "third")]
    (tmp_path / "note.txt").write_text("no film\n", encoding="utf-8")
    one, two, three, note = (*map(str, paths), str(tmp_path / "note.txt"))
    runs = ((one, two, note), (note, two, one), (one, three, note))
    first, second, third = (_analysed(tmp_path / f"out {n}", small_bundle, *names) for n, names in enumerate(runs))
    return first, second, third


@then("both folders have the same Merkle root, and another film gives another")
def _same_root(outs: tuple[Path, Path, Path]) -> None:
    first, second, third = (json.loads((out / "summary.json").read_bytes())["merkle_root"] for out in outs)
    assert first == second, f"expected one root, observed {first[:12]} and {second[:12]}"
    assert first != third, "expected another root for another film, observed the same"


@when("a film and a text file are analysed in one process and by two workers", target_fixture="pair")
def _shared_out(small_bundle: Path, tmp_path: Path) -> tuple[Run, Run]:
    film = films.write(films.film(name="first"), tmp_path / "film.dcm")
    note = tmp_path / "note.txt"
    note.write_text("no film\n", encoding="utf-8")
    one = run_analyse([film, note], tmp_path / "one", small_bundle)
    two = run_analyse([film, note], tmp_path / "two", small_bundle, "--engine", "ray", "--workers", "2")
    return one, two


@then("both folders have the same Merkle root, line for line the same leaves")
def _same_leaves(pair: tuple[Run, Run]) -> None:
    one, two = pair
    assert (one.code, two.code) == (1, 1), f"expected two finished runs, observed {two.stderr}"
    leaves = [[line["leaf"] for line in run.audit] for run in pair]
    assert leaves[0] == leaves[1], "expected the same leaves in the same order, observed others"
    assert len(leaves[0]) == 2, f"expected two lines, observed {len(leaves[0])}"
    roots = [run.json("summary.json")["merkle_root"] for run in pair]
    assert roots[0] == roots[1] == merkle.root(leaves[0]), f"expected one root, observed {roots}"


@when("a film is analysed by two workers where Ray is not installed", target_fixture="command")
def _without_ray(small_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setitem(sys.modules, "ray", None)
    film = films.write(films.film(), tmp_path / "film.dcm")
    return invoke("analyse", str(film), "-o", str(tmp_path / "out"), "--bundle", str(small_bundle), "--engine", "ray")


@then(parsers.parse("the command ended with {code:d} and named ENV-RAY"))
def _named(command: Command, code: int) -> None:
    assert command.code == code, f"expected {code}, observed {command.code}"
    assert "ENV-RAY" in command.stderr, f"expected ENV-RAY, observed {command.stderr!r}"


@given(parsers.parse("a finished folder of which {what}"), target_fixture="folder")
def _changed(batch: Run, tmp_path: Path, what: str) -> Folder:
    folder = _finished(batch, tmp_path)
    result = next((folder.out / "results").iterdir())
    if what == "one result was altered":
        result.write_bytes(result.read_bytes().replace(b'"analysed"', b'"analysee"', 1))
    elif what == "one overlay was removed":
        (folder.out / "overlays" / f"{result.stem}.png").unlink()
    elif what == "a result was added":
        shutil.copy(result, result.with_name("0004-00000000.json"))
    return folder


@when("its audit trail is verified")
def _verified(folder: Folder) -> None:
    folder.contents = _contents(folder.out)
    folder.told = invoke("audit", "verify", str(folder.out))


@then(parsers.parse("it ended with {code:d} and named {difference}"))
def _difference(folder: Folder, code: int, difference: str) -> None:
    assert folder.told is not None
    stem = next((folder.out / "results").glob("0001-*")).stem
    fifth = next((folder.out / "results").glob("0005-*")).stem
    expected = {
        "nothing": ("difference: none",),
        "the altered result": (f"results/{stem}.json: found", f"results/{fifth}.json: found"),
        "the removed overlay": (
            f"overlays/{stem}.png: found FileNotFoundError",
            f"overlays/{fifth}.png: found FileNotFoundError",
        ),
        "the added result": ("results/0004-00000000.json: no line names it",),
    }[difference]
    assert folder.told.code == code, f"expected {code}, observed {folder.told.code}: {folder.told.stdout}"
    assert any(words in folder.told.stdout for words in expected), f"expected one of {expected}, observed {folder.told.stdout}"
    assert _contents(folder.out) == folder.contents, "expected an inspection that changes nothing, observed a change"
