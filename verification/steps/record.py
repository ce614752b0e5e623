"""Steps that read what the device left behind: results, refusal records, overlays, audit lines, streams."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pytest_bdd import given, parsers, then, when

from device_sw._version import __version__
from device_sw.device import Device, Engine, open_engine
from device_sw.errors import InferenceFailed
from device_sw.findings import all_findings
from device_sw.launcher import NUMERIC_ENVIRONMENT, is_launched
from device_sw.report.json_report import json_report
from device_sw.report.overlay import overlay
from device_sw.types import Box, Detection, Policy
from verification.steps import bundles, films
from verification.steps.admission import Ending, analysed
from verification.steps.command import Run, run_analyse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from device_sw.device import AnalysisResult
    from verification.steps.command import Command

ANALYSED = (1, 5)
REFUSED = {2: "IN-NOT-DICOM", 3: "IN-PIXELS-SHORT", 4: "ADM-VIEW"}
"""What has to become of the inputs of the batch."""

ASSESSMENT = re.compile(r"\b(normal|healthy|negative)\b", re.IGNORECASE)
SEARCHED_FIELDS = re.compile(r"priority|urgen|rank|triage", re.IGNORECASE)


def _detections(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [detection for finding in record["findings"] for detection in finding["detections"]]


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, keys included."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from _keys(part)


def _outputs(run: Run) -> list[Path]:
    return sorted(path for path in run.out.rglob("*") if path.is_file())


# --- a batch, its order, its records


@then("inputs 1 and 5 are analysed, each with one result and one overlay")
def _two_results(run: Run) -> None:
    for index in ANALYSED:
        assert run.record("results", index)["status"] == "analysed", f"expected input {index} analysed"
        overlays = [path.name for path in run.named("overlays", index)]
        assert len(overlays) == 1, f"expected one overlay of input {index}, observed {overlays}"
        assert not run.named("refusals", index), f"expected no refusal of input {index}, observed one"


@then("inputs 2, 3 and 4 are refused with IN-NOT-DICOM, IN-PIXELS-SHORT and ADM-VIEW, each with one record")
def _three_refusals(run: Run) -> None:
    observed = {index: run.record("refusals", index)["code"] for index in REFUSED}
    assert observed == REFUSED, f"expected {REFUSED}, observed {observed}"
    surplus = [path.name for index in REFUSED for folder in ("results", "overlays") for path in run.named(folder, index)]
    assert not surplus, f"expected neither result nor overlay of a refused input, observed {surplus}"


@then("the lines on stdout, the summary and the audit file follow the order of the inputs")
def _in_order(run: Run) -> None:
    indices = [int(match[1]) for match in re.finditer(r"^(\d{4})  ", run.stdout, re.MULTILINE)]
    assert indices == [1, 2, 3, 4, 5], f"expected lines 1 to 5 on stdout, observed {indices}"
    hashes = [bundles.sha256(path) for path in run.inputs]
    summary = [outcome["content_sha256"] for outcome in run.json("summary.json")["outcomes"]]
    audit = [line["content_sha256"] for line in run.audit]
    for name, observed in {"summary": summary, "audit file": audit}.items():
        positions = [hashes.index(value) for value in observed if value is not None]
        assert positions == sorted(positions), f"expected input order in the {name}, observed {positions}"
        assert len(observed) == len(hashes), f"expected {len(hashes)} entries in the {name}, observed {len(observed)}"


@then("their outputs stand in that order")
def _other_order(again: Run, batch: Run) -> None:
    hashes = [bundles.sha256(batch.inputs[place]) for place in (4, 0)]
    summary = [outcome["content_sha256"] for outcome in again.json("summary.json")["outcomes"]]
    audit = [line["content_sha256"] for line in again.audit[-2:]]
    assert summary == hashes, f"expected the given order in the summary, observed {summary}"
    assert audit == hashes, f"expected the given order in the audit file, observed {audit}"


@then("no field of any output is named priority, urgency, rank or triage")
def _no_rank(run: Run) -> None:
    values = [*run.records().values(), run.json("summary.json"), *run.audit]
    found = sorted({key for value in values for key in _keys(value) if SEARCHED_FIELDS.search(key)})
    assert len(values) == 11, f"expected five records, a summary and five audit lines, observed {len(values)}"
    assert not found, f"expected no such field, observed {found}"


@then("each result, record and audit line of a readable film holds its content hash and its SOP Instance UID")
def _identity(run: Run) -> None:
    names = {1: "first", 4: "lateral", 5: "fifth"}
    for index, name in names.items():
        expected = (bundles.sha256(run.inputs[index - 1]), str(films.film(name=name).SOPInstanceUID))
        record = run.record("refusals" if index in REFUSED else "results", index)["input"]
        line = run.audit[index - 1]
        for where, found in {"record": record, "audit line": line}.items():
            observed = (found["content_sha256"], found["sop_instance_uid"])
            assert observed == expected, f"expected {expected} in the {where} of input {index}, observed {observed}"


@then("no two films share a content hash")
def _distinct(run: Run) -> None:
    hashes = [line["content_sha256"] for line in run.audit if line["content_sha256"]]
    assert len(hashes) >= 3, f"expected the hashes of at least three films, observed {len(hashes)}"
    assert len(set(hashes)) == len(hashes), f"expected distinct hashes, observed {hashes}"


@then("the records and audit lines of the text file and the truncated film hold their content hashes")
def _unreadable_identity(run: Run) -> None:
    for index in (2, 3):
        expected = bundles.sha256(run.inputs[index - 1])
        observed = (run.record("refusals", index)["input"]["content_sha256"], run.audit[index - 1]["content_sha256"])
        assert observed == (expected, expected), f"expected {expected[:12]} for input {index}, observed {observed}"


@then("every source file has the SHA-256 that it had before")
def _untouched(run: Run) -> None:
    after = {str(path): bundles.sha256(path) for path in run.inputs}
    changed = [path for path, digest in after.items() if run.before[path] != digest]
    assert not changed, f"expected unchanged sources, observed changes in {len(changed)}"


@then("only results, overlays, refusals, audit file, index and summary lie in the output folder")
def _only(run: Run) -> None:
    names = [path.relative_to(run.out).as_posix() for path in _outputs(run)]
    allowed = re.compile(r"(results|refusals)/\d{4}-\w+\.json|overlays/\d{4}-\w+\.png|audit\.jsonl|index\.json|summary\.json")
    surplus = [name for name in names if not allowed.fullmatch(name)]
    assert len(names) == 10, f"expected 10 files, observed {names}"
    assert not surplus, f"expected no other file, observed {surplus}"


@then("every JSON file parses and every overlay opens")
def _whole(run: Run) -> None:
    for path in _outputs(run):
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
                assert min(image.size) > 100, f"expected a picture, observed {image.size}"


@then("its message names a code beginning with OUT- and it does not end with 0")
def _out_code(run: Run) -> None:
    assert run.code != 0, "expected an exit code other than 0, observed 0"
    assert re.search(r"\bOUT-[A-Z-]+ at ", run.stderr), f"expected a code of OUT-, observed {run.stderr!r}"
    assert "Traceback" not in run.stderr, f"expected no traceback, observed {run.stderr}"


@then("no result, overlay or temporary file of that film exists")
def _nothing_left(run: Run) -> None:
    left = [path.relative_to(run.out).as_posix() for path in _outputs(run) if path.parent != run.out]
    assert not left, f"expected nothing of the film, observed {left}"


@then("it does not end with 0 and leaves no result and no overlay")
def _no_result_without_audit(run: Run) -> None:
    left = [path.name for folder in ("results", "overlays") for path in (run.out / folder).glob("*")]
    assert run.code != 0, f"expected an exit code other than 0, observed 0: {run.stdout}"
    assert "OUT-AUDIT" in run.stderr, f"expected OUT-AUDIT on stderr, observed {run.stderr!r}"
    assert not left, f"expected no result, observed {left}"


@then(parsers.parse("the run ends with {code:d}"))
def _ends(run: Run, code: int) -> None:
    assert run.code == code, f"expected {code}, observed {run.code}: {run.stderr}"


@then(parsers.parse("the second run ends with {code:d}"))
def _second_ends(again: Run, code: int) -> None:
    assert again.code == code, f"expected {code}, observed {again.code}: {again.stderr}"


@then("stdout has a line for each input and stderr one line for each refused input")
def _streams(run: Run) -> None:
    indices = [int(match[1]) for match in re.finditer(r"^(\d{4})  ", run.stdout, re.MULTILINE)]
    assert indices == [1, 2, 3, 4, 5], f"expected a line for each input, observed {indices}"
    for index, code in REFUSED.items():
        lines = [line for line in run.stderr.splitlines() if line.startswith(f"{index:04d}") and code in line]
        assert len(lines) == 1, f"expected one line for input {index}, observed {run.stderr!r}"


@then("no line of either begins with Traceback")
def _no_traceback(run: Run) -> None:
    found = [line for line in (*run.stdout.splitlines(), *run.stderr.splitlines()) if line.startswith("Traceback")]
    assert not found, f"expected no traceback, observed {run.stderr}"


@then("its stdout parses as JSON and its stderr holds no line beginning with Traceback")
def _json_stdout(run: Run) -> None:
    told = json.loads(run.stdout)
    assert told["inputs"] == 4, f"expected the summary of four inputs, observed {told['inputs']}"
    assert "Traceback" not in run.stderr, f"expected no traceback, observed {run.stderr}"


# --- a result


@when("the first film is analysed through the public interface", target_fixture="ending")
def _interface(run: Run, devices: Callable[[str], Device]) -> Ending:
    assert is_launched(), "expected the numeric environment of the device in this process, observed another; run the scenarios through `./qms test`"
    return analysed(devices("intended-use"), run.inputs[0])


@then("the detections of its result file equal those of the interface with id, name, box, score and operating point")
def _field_by_field(run: Run, ending: Ending, small_bundle: Path) -> None:
    points = json.loads((small_bundle / "thresholds.json").read_text(encoding="utf-8"))["thresholds"]
    names = {row.id: row.name for row in all_findings()}
    expected = [
        {"finding": d.finding, "name": names[d.finding], "box": list(d.box.as_tuple()), "score": d.score, "operating_point": points[d.finding]}
        for row in all_findings()
        for d in ending.analysis.detections
        if d.finding == row.id
    ]
    observed = _detections(run.record("results", 1))
    assert expected, "expected detections of the untrained network, observed none"
    assert len(observed) == len(expected), f"expected {len(expected)} detections, observed {len(observed)}"
    for wanted, found in zip(expected, observed, strict=True):
        same = {name: value for name, value in wanted.items() if name not in {"box", "score"}}
        assert {name: found[name] for name in same} == same, f"expected {same}, observed {found}"
        assert found["box"] == wanted["box"], f"expected {wanted['box']}, observed {found['box']}"
        assert found["score"] == wanted["score"], f"expected {wanted['score']}, observed {found['score']}"


def _sources(run: Run) -> dict[str, Any]:
    """Return what a result of the first film must hold, read from device, bundle and film."""
    manifest = json.loads((run.bundle / "manifest.json").read_text(encoding="utf-8"))
    model = json.loads((run.bundle / "model.json").read_text(encoding="utf-8"))
    return {
        "device.version": __version__,
        "model.version": manifest["model_version"],
        "model.bundle_sha256": bundles.sha256(run.bundle / "manifest.json"),
        "model.preprocessing": model["preprocessing"],
        "model.profile": manifest["profile"],
        "model.budget": manifest["budget"],
        "policy": "intended-use",
        "input.content_sha256": bundles.sha256(run.inputs[0]),
        "input.sop_instance_uid": str(films.film(name="first").SOPInstanceUID),
    }


def _field(record: dict[str, Any], path: str) -> Any:
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@then(
    "the result of input 1 holds device version, model version, bundle hash, preprocessing id, profile, budget, policy, operating points, content hash and SOP Instance UID"
)
def _holds(run: Run) -> None:
    record = run.record("results", 1)
    absent = [path for path in _sources(run) if not _field(record, path)]
    assert not absent, f"expected all of them, observed {absent} absent"
    without = [finding["id"] for finding in record["findings"] if finding["operating_point"] is None]
    assert len(record["findings"]) == 7, f"expected seven findings, observed {len(record['findings'])}"
    assert not without, f"expected an operating point for each finding, observed none for {without}"


@then("each of them equals the value read from device, bundle or film")
def _equals(run: Run) -> None:
    record = run.record("results", 1)
    wrong = {path: _field(record, path) for path, value in _sources(run).items() if _field(record, path) != value}
    points = json.loads((run.bundle / "thresholds.json").read_text(encoding="utf-8"))["thresholds"]
    observed = {finding["id"]: finding["operating_point"] for finding in record["findings"]}
    assert not wrong, f"expected {_sources(run)}, observed {wrong}"
    assert observed == points, f"expected {points}, observed {observed}"


@then(parsers.parse("the result of input {index:d} names the preprocessing {preprocessing_id}"))
def _names_preprocessing(run: Run, index: int, preprocessing_id: str) -> None:
    observed = run.record("results", index)["model"]["preprocessing"]
    assert observed == preprocessing_id, f"expected {preprocessing_id}, observed {observed}"


@given("a bundle whose operating points no score reaches", target_fixture="silent_bundle")
def _silent(small_bundle: Path, tmp_path: Path) -> Path:
    bundle = bundles.copy(small_bundle, tmp_path / "silent")
    return bundles.with_operating_points(bundle, dict.fromkeys(bundles.FINDINGS, 1.0))


@when("a chest film is analysed with it and its result is written", target_fixture="silent_result")
def _silent_result(silent_bundle: Path, tmp_path: Path) -> AnalysisResult:
    device = Device(silent_bundle)
    for seed in range(8):
        path = films.write(films.film(films.picture(seed=seed)), tmp_path / f"{seed}.dcm")
        ending = analysed(device, path)
        if not ending.analysis.detections:
            return ending.analysis
    pytest.fail("expected a film without detection among eight, observed none")


@then("the result says that no finding was marked at the operating points and names the seven findings looked for")
def _says(silent_result: AnalysisResult) -> None:
    words = json_report(silent_result, 1)["conclusion"]
    assert "No finding was marked at the operating points" in words, f"expected the statement, observed {words!r}"
    missing = [row.name for row in all_findings() if row.name not in words]
    assert not missing, f"expected the seven names, observed {missing} missing"


@then("no output of it calls the film normal, healthy or negative")
def _not_normal(silent_result: AnalysisResult, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*_texts(json_report(silent_result, 1)), *_drawn(silent_result, monkeypatch)]
    found = [text for text in texts if ASSESSMENT.search(text)]
    assert not found, f"expected none of the three words, observed {found}"


@then("every result says that the device is an engineering baseline, not cleared and not for clinical use")
def _status(run: Run) -> None:
    for name, record in run.records().items():
        missing = [words for words in ("engineering baseline", "not cleared", "not for clinical use") if words not in record["statement"].lower()]
        assert not missing, f"expected the status in {name}, observed {record['statement']!r}"


@then("every result says that a mark supports but never replaces reading the whole film")
def _limits(run: Run) -> None:
    for index in ANALYSED:
        statement = run.record("results", index)["statement"]
        assert "supports but never replaces reading the whole film" in statement, f"expected the limit, observed {statement!r}"


@then("the result of input 3 lists cautions on orientation, window and lossy compression")
def _cautions(run: Run) -> None:
    cautions = run.record("results", 3)["cautions"]
    missing = [word for word in ("PatientOrientation", "window", "lossy") if not any(word in caution for caution in cautions)]
    assert not missing, f"expected all three, observed {missing} missing in {cautions}"


# --- a refusal


@then("input 4 has one record with status refused, code ADM-VIEW, place, found, expected and repair")
def _record_four(run: Run) -> None:
    record = run.record("refusals", 4)
    assert (record["status"], record["code"]) == ("refused", "ADM-VIEW"), f"expected refused with ADM-VIEW, observed {record}"
    empty = [name for name in ("where", "found", "expected", "repair") if not record.get(name)]
    assert not empty, f"expected the four parts, observed {empty} empty"


@then("that record has neither a list of detections nor a picture")
def _no_list(run: Run) -> None:
    found = [key for key in _keys(run.record("refusals", 4)) if "detection" in key or "finding" in key or "candidate" in key]
    assert not found, f"expected no list, observed {found}"
    assert not run.named("overlays", 4), "expected no picture, observed one"
    assert not run.named("results", 4), "expected no result, observed one"


@then("every record names device version, bundle hash and policy, and the film as not analysed")
def _record_sources(run: Run) -> None:
    digest = bundles.sha256(run.bundle / "manifest.json")
    for index in REFUSED:
        record = run.record("refusals", index)
        observed = (record["device"]["version"], record["model"]["bundle_sha256"], record["policy"])
        assert observed == (__version__, digest, "intended-use"), f"expected device, bundle and policy, observed {observed}"
        assert "not analysed" in record["conclusion"].lower(), f"expected not analysed, observed {record['conclusion']!r}"


class _Failing:
    """The real detector, which fails on every film after the self-test."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def detect(self, _model_input: object) -> Any:
        raise InferenceFailed("INF-NONFINITE", where="network", found="a NaN", expected="finite numbers", repair="run the self-test")

    def self_test(self) -> Any:
        return self.engine.detector.self_test()


@given("a device whose network fails with INF-NONFINITE", target_fixture="failing")
def _failing(small_bundle: Path) -> Device:
    engine = open_engine(small_bundle)
    return Device(small_bundle, open_engine=lambda _: Engine(_Failing(engine), engine.settings, engine.bundle_sha256))


@when("a batch of one chest film is run with it", target_fixture="failed_out")
def _failed_batch(failing: Device, tmp_path: Path) -> Path:
    from device_sw.cli import Batch

    batch = Batch(failing, tmp_path / "out")
    batch.take(films.write(films.film(), tmp_path / "film.dcm"))
    batch.finish()
    return tmp_path / "out"


@then("there is one record with status failed and code INF-NONFINITE, and no result")
def _failed_record(failed_out: Path) -> None:
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((failed_out / "refusals").glob("*.json"))]
    observed = [(record["status"], record["code"]) for record in records]
    assert observed == [("failed", "INF-NONFINITE")], f"expected one failure, observed {observed}"
    left = [path.name for folder in ("results", "overlays") for path in (failed_out / folder).glob("*")]
    assert not left, f"expected no result, observed {left}"


# --- the audit trail


@then("the audit file has five lines that parse as JSON, in the order of the inputs")
def _five_lines(run: Run) -> None:
    assert [line["index"] for line in run.audit] == [1, 2, 3, 4, 5], f"expected lines 1 to 5, observed {[line['index'] for line in run.audit]}"
    outcomes = [line["status"] for line in run.audit]
    assert outcomes == ["analysed", "refused", "refused", "refused", "analysed"], f"expected the outcomes of the batch, observed {outcomes}"


@then("every audit line holds UTC time, device version, model version, bundle hash, policy, content hash, outcome, code and number of detections")
def _nine(run: Run) -> None:
    manifest = json.loads((run.bundle / "manifest.json").read_text(encoding="utf-8"))
    digest = bundles.sha256(run.bundle / "manifest.json")
    for index, line in enumerate(run.audit, start=1):
        told = datetime.fromisoformat(line["time"])
        assert told.utcoffset() == timedelta(0), f"expected UTC, observed {line['time']}"
        assert abs(datetime.now(UTC) - told) < timedelta(hours=1), f"expected the time of the run, observed {line['time']}"
        observed = (line["device_version"], line["model_version"], line["bundle_sha256"], line["policy"])
        assert observed == (__version__, manifest["model_version"], digest, "intended-use"), f"expected what made it, observed {observed}"
        expected = ("refused", REFUSED[index]) if index in REFUSED else ("analysed", None)
        assert (line["status"], line["code"]) == expected, f"expected {expected}, observed {(line['status'], line['code'])}"
        assert line["content_sha256"] == bundles.sha256(run.inputs[index - 1]), f"expected the content hash of input {index}, observed {line}"
        assert isinstance(line["detections"], dict), f"expected counts, observed {line['detections']}"


@then("the counts of an analysed film equal those in its result, finding by finding")
def _counts(run: Run) -> None:
    for index in ANALYSED:
        record = run.record("results", index)
        expected = {finding["id"]: len(finding["detections"]) for finding in record["findings"] if finding["detections"]}
        observed = {name: count for name, count in run.audit[index - 1]["detections"].items() if count}
        assert expected, f"expected detections of input {index}, observed none"
        assert observed == expected, f"expected {expected}, observed {observed}"


@then("the audit file begins with the bytes of the first run and has one line more")
def _only_grows(run: Run, again: Run) -> None:
    first, second = ((place.out / "audit.jsonl").read_bytes() for place in (run, again))
    assert second.startswith(first), "expected the first run's bytes at the beginning, observed others"
    added = second[len(first) :].decode().splitlines()
    assert len(added) == len(again.inputs), f"expected {len(again.inputs)} lines more, observed {len(added)}"


@given("one character of its audit file is changed", target_fixture="tampered")
def _tampered(run: Run, tmp_path: Path) -> Path:
    out = shutil.copytree(run.out, tmp_path / "tampered")
    content = (out / "audit.jsonl").read_text(encoding="utf-8")
    (out / "audit.jsonl").write_text(content.replace('"ADM-VIEW"', '"ADM-VIEV"', 1), encoding="utf-8")
    assert (out / "audit.jsonl").read_text(encoding="utf-8") != content, "expected a changed audit file"
    return out


@when("another run into that folder is started", target_fixture="after_tampering")
def _after_tampering(tampered: Path, small_bundle: Path, run: Run) -> tuple[Command, bytes]:
    from verification.steps.command import invoke

    before = (tampered / "audit.jsonl").read_bytes()
    return invoke("analyse", str(run.inputs[0]), "-o", str(tampered), "--bundle", str(small_bundle)), before


@then(parsers.parse("it ends with {code:d}, names {name} and leaves the audit file as it is"))
def _noticed(after_tampering: tuple[Command, bytes], tampered: Path, code: int, name: str) -> None:
    command, before = after_tampering
    assert command.code == code, f"expected {code}, observed {command.code}"
    assert name in command.stderr, f"expected {name}, observed {command.stderr!r}"
    assert (tampered / "audit.jsonl").read_bytes() == before, "expected the audit file untouched, observed a change"


# --- privacy, network, environment


def _streams_and_files(run: Run) -> dict[str, bytes]:
    named = {path.relative_to(run.out).as_posix(): path.read_bytes() for path in _outputs(run)}
    return {**named, "stdout": run.stdout.encode(), "stderr": run.stderr.encode()}


def _planted(run: Run) -> dict[str, bytes]:
    values = films.planted_bytes(run.inputs[0])
    return {name: value for name, value in values.items() if not name.startswith("source")}


@then("no planted value is found in any output file, on stdout or on stderr")
def _no_planted(run: Run) -> None:
    places = _streams_and_files(run)
    assert len(places) == 12, f"expected ten files and two streams, observed {sorted(places)}"
    leaked = [(place, name) for place, content in places.items() for name, value in _planted(run).items() if value in content]
    assert not leaked, f"expected no patient data, observed {leaked}"


def _paths(run: Run) -> list[bytes]:
    return [b"PLANTEDFOLDER", *(path.name.encode() for path in run.inputs)]


@then("no source path is found on stdout, on stderr or in any output file but the local index of names")
def _no_path(run: Run) -> None:
    places = _streams_and_files(run)
    leaked = [(place, value) for place, content in places.items() for value in _paths(run) if value in content and place != "index.json"]
    assert not leaked, f"expected no source path, observed {leaked}"
    assert all(value in places["index.json"] for value in _paths(run)), "expected the names in the local index, observed others"


@then("neither a planted value nor a source path is found in the audit file")
def _audit_private(run: Run) -> None:
    content = (run.out / "audit.jsonl").read_bytes()
    leaked = [value for value in (*_planted(run).values(), *_paths(run)) if value in content]
    assert len(content) > 500, f"expected five lines, observed {len(content)} bytes"
    assert not leaked, f"expected neither, observed {leaked}"


@then("the run finished although every socket was refused, and nothing asked for one but a library's probe for IPv6 at import")
def _no_socket(run: Run) -> None:
    """Of the libraries that torch imports, urllib3 makes one local socket when it is imported, to learn whether the machine knows IPv6."""
    assert run.code == 1, f"expected a finished batch, observed {run.code}: {run.stderr}"
    others = [(event, source) for event, source in run.witness["sockets"] if (event, source) != ("socket.__new__", "urllib3/util/connection.py")]
    assert not others, f"expected no socket, observed {others}"


@then("the bundle's files are byte-identical before and after")
def _same_bundle(run: Run) -> None:
    after = {str(path): bundles.sha256(path) for path in sorted(run.bundle.iterdir())}
    before = {path: digest for path, digest in run.before.items() if path.startswith(str(run.bundle))}
    assert after == before, "expected the bundle unchanged, observed another"


@then("the result file is the same but for its number")
def _same_result(run: Run, again: Run) -> None:
    first = run.record("results", 1)
    second = again.record("results", 7)
    assert (first["input"].pop("index"), second["input"].pop("index")) == (1, 7), "expected numbers 1 and 7"
    assert first == second, "expected the same result, observed another"


@then("the result of the same film is equal in both runs, without tolerance")
def _equal_runs(run: Run, again: Run) -> None:
    pairs = ((1, 7), (5, 6))
    for before, after in pairs:
        first, second = _detections(run.record("results", before)), _detections(again.record("results", after))
        assert first, f"expected detections of input {before}, observed none"
        assert first == second, f"expected equal detections of inputs {before} and {after}, observed others"


@then("the process that analysed ran with 1 thread and every variable of the numeric environment as fixed")
def _one_thread(run: Run) -> None:
    assert run.witness["threads"] == 1, f"expected 1 thread, observed {run.witness['threads']}"
    wrong = {name: run.witness["environment"].get(name) for name, value in NUMERIC_ENVIRONMENT.items() if run.witness["environment"].get(name) != value}
    assert not wrong, f"expected the numeric environment, observed {wrong}"
    assert run.witness["random_hashes"] == 0, "expected fixed hashes, observed random ones"


_WATCHED: list[str] = []
_WATCHING = {"on": False, "hooked": False}


def _watch(event: str, _arguments: object) -> None:
    if _WATCHING["on"] and (event.startswith("pickle.") or event == "open"):
        _WATCHED.append(event)


@when("two chest films are analysed under an audit hook", target_fixture="events")
def _under_hook(devices: Callable[[str], Device], tmp_path: Path) -> list[str]:
    paths = [films.write(films.film(name=name), tmp_path / f"{name}.dcm") for name in ("first", "second")]
    device = devices("intended-use")
    if not _WATCHING["hooked"]:
        sys.addaudithook(_watch)
        _WATCHING["hooked"] = True
    _WATCHED.clear()
    _WATCHING["on"] = True
    try:
        endings = [analysed(device, path) for path in paths]
    finally:
        _WATCHING["on"] = False
    assert [ending.code for ending in endings] == ["analysed", "analysed"], f"expected two results, observed {[e.code for e in endings]}"
    return list(_WATCHED)


@then("the hook saw files being opened and no pickle")
def _saw(events: list[str]) -> None:
    assert "open" in events, f"expected opened files, observed {events}"
    pickles = [event for event in events if event.startswith("pickle.")]
    assert not pickles, f"expected no pickle, observed {pickles}"


# --- the mark of research


def _marked(run: Run) -> dict[str, str | None]:
    values = {**run.records(), "summary.json": run.json("summary.json")}
    values |= {f"audit line {number}": line for number, line in enumerate(run.audit, start=1)}
    return {name: value.get("mark") for name, value in values.items()}


@then("every result, record, audit line and summary carries the mark RESEARCH")
def _all_marked(run: Run) -> None:
    marks = _marked(run)
    assert len(marks) == 9, f"expected four records, four audit lines and a summary, observed {sorted(marks)}"
    bare = [name for name, mark in marks.items() if mark != "RESEARCH"]
    assert not bare, f"expected the mark everywhere, observed none in {bare}"


@then("no result, record, audit line or summary carries the mark RESEARCH")
def _none_marked(run: Run) -> None:
    found = [name for name, content in _streams_and_files(run).items() if not name.endswith(".png") and b"RESEARCH" in content]
    assert len(_marked(run)) == 11, f"expected five records, five audit lines and a summary, observed {len(_marked(run))}"
    assert not found, f"expected the mark nowhere, observed it in {found}"


@then("input 2 is analysed, marked RESEARCH and carries a caution on its kind")
def _capture_marked(run: Run) -> None:
    record = run.record("results", 2)
    assert (record["status"], record["mark"]) == ("analysed", "RESEARCH"), f"expected a marked result, observed {record['status']}"
    assert any("Secondary Capture" in caution for caution in record["cautions"]), f"expected a caution, observed {record['cautions']}"


@given("the overlays of one film under both policies", target_fixture="both")
def _both(devices: Callable[[str], Device], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Image.Image, str, AnalysisResult]]:
    path = films.write(films.film(), tmp_path / "film.dcm")
    results = [analysed(devices(policy.value), path).analysis for policy in (Policy.INTENDED_USE, Policy.RESEARCH)]
    return [(overlay(result), " ".join(_drawn(result, monkeypatch)), result) for result in results]


@then("their headers differ in colour and words, and their films do not differ")
def _headers(both: list[tuple[Image.Image, str, AnalysisResult]]) -> None:
    (plain, plain_words, result), (marked, marked_words, _) = both
    left, top, wide, high = _film_place(plain, result)
    header = (0, 0, plain.width, top - 30)
    first, second = (np.asarray(page.crop(header)) for page in (plain, marked))
    differing = float(np.mean(np.any(first != second, axis=2)))
    assert differing > 0.5, f"expected another header colour, observed a difference in {differing:.0%} of the pixels"
    assert "RESEARCH" in marked_words, "expected the word RESEARCH, observed none"
    assert "RESEARCH" not in plain_words, "expected no RESEARCH under intended-use, observed it"
    area = (left, top, left + wide, top + high)
    assert np.array_equal(np.asarray(plain.crop(area)), np.asarray(marked.crop(area))), "expected equal films, observed a difference"


# --- the overlay


def _analysed_film(devices: Callable[[str], Device], tmp_path: Path, rows: int, columns: int) -> AnalysisResult:
    path = films.write(films.film(films.picture(rows, columns)), tmp_path / "film.dcm")
    return analysed(devices("intended-use"), path).analysis


@given(parsers.parse("an analysed chest film of {rows:d} x {columns:d} pixels with one detection in its middle"), target_fixture="drawn_result")
def _one_detection(devices: Callable[[str], Device], tmp_path: Path, rows: int, columns: int) -> AnalysisResult:
    box = Box(columns * 0.4, rows * 0.4, columns * 0.6, rows * 0.6)
    return replace(_analysed_film(devices, tmp_path, rows, columns), detections=(Detection(all_findings()[0].id, box, 0.9),))


@given("an analysed chest film of 512 x 512 pixels with one detection of each finding", target_fixture="drawn_result")
def _each_finding(devices: Callable[[str], Device], tmp_path: Path) -> AnalysisResult:
    marks = tuple(Detection(row.id, Box(40.0 + 60 * k, 60.0 + 55 * k, 80.0 + 60 * k, 90.0 + 55 * k), 0.9) for k, row in enumerate(all_findings()))
    return replace(_analysed_film(devices, tmp_path, 512, 512), detections=marks)


@given("an analysed chest film of 512 x 512 pixels without heat map", target_fixture="drawn_result")
def _without_map(devices: Callable[[str], Device], tmp_path: Path) -> AnalysisResult:
    return replace(_analysed_film(devices, tmp_path, 512, 512), heat_map=None)


@when("its overlay is drawn with and without that detection", target_fixture="pages")
def _pages(drawn_result: AnalysisResult) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int, int, int]]:
    marked, bare = overlay(drawn_result), overlay(replace(drawn_result, detections=()))
    left, top, wide, high = _film_place(bare, drawn_result)
    crop = (left, top, left + wide, top + high)
    return np.asarray(marked.crop(crop)).astype(np.int64), np.asarray(bare.crop(crop)).astype(np.int64), (left, top, wide, high)


def _film_place(page: Image.Image, result: AnalysisResult) -> tuple[int, int, int, int]:
    """Find the film on the page by its own pixels: (left, top, width, height); the scenario fails where it is not there."""
    grey, rows, columns = np.asarray(page.convert("L")).astype(np.int64), result.film.rows, result.film.columns
    for longest in (900, *range(600, 1400, 20)):
        high, wide = (round(side * longest / max(rows, columns)) for side in (rows, columns))
        shown = Image.fromarray(np.round(result.picture * 255.0).astype(np.uint8)).resize((wide, high), Image.Resampling.LANCZOS)
        sample = np.asarray(shown).astype(np.int64)[5:-5:7, 5:-5:7]
        for top in range(min(250, max(grey.shape[0] - high, 0))):
            for left in range(min(80, max(grey.shape[1] - wide, 0))):
                place = grey[top + 5 : top + high - 5 : 7, left + 5 : left + wide - 5 : 7]
                if abs(int(place[0, 0]) - int(sample[0, 0])) > 2 or place.shape != sample.shape:
                    continue
                if float(np.mean(np.abs(place - sample) <= 2)) > 0.75:
                    return left, top, wide, high
    pytest.fail("expected the film in its own proportions on the page, observed it nowhere")


@then(parsers.parse("the film on the overlay measures {high:d} x {wide:d} pixels"))
def _measures(pages: tuple[Any, Any, tuple[int, int, int, int]], high: int, wide: int) -> None:
    observed = (pages[2][3], pages[2][2])
    assert observed == (high, wide), f"expected {high} x {wide}, observed {observed[0]} x {observed[1]}"


def _on_page(pages: tuple[Any, Any, tuple[int, int, int, int]], result: AnalysisResult) -> tuple[float, float, float, float]:
    """Return the first box in pixels of the film as drawn, scaled here and not by the code under test."""
    _, _, wide, high = pages[2]
    x0, y0, x1, y1 = result.detections[0].box.as_tuple()
    return x0 * wide / result.film.columns, y0 * high / result.film.rows, x1 * wide / result.film.columns, y1 * high / result.film.rows


@then("the pixels inside the box, away from its outline, are those of the film without mark")
def _inside(pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult) -> None:
    marked, bare, _ = pages
    x0, y0, x1, y1 = (round(edge) for edge in _on_page(pages, drawn_result))
    inside = (slice(y0 + 8, y1 - 8), slice(x0 + 8, x1 - 8))
    differing = int(np.count_nonzero(np.any(marked[inside] != bare[inside], axis=2)))
    assert bare[inside].size > 1000, f"expected a box with an inside, observed {bare[inside].shape}"
    assert differing == 0, f"expected the film's own pixels, observed {differing} others"


@then("the outline differs from the film without mark")
def _outline(pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult) -> None:
    for name, share in _sides(pages, drawn_result, 4).items():
        assert share > 0.9, f"expected an outline on the {name} side, observed paint on {share:.0%} of it"


@then(parsers.parse("the outline on the overlay lies within {limit:d} pixels of the box scaled to the film on the page"))
def _near(pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult, limit: int) -> None:
    for name, share in _sides(pages, drawn_result, limit).items():
        assert share > 0.9, f"expected the {name} side within {limit} pixels, observed paint on {share:.0%} of it"


def _sides(pages: tuple[Any, Any, tuple[int, int, int, int]], result: AnalysisResult, limit: int) -> dict[str, float]:
    """Return for each side of the box how much of its length has paint within ``limit`` pixels of where the side belongs."""
    paint = np.any(pages[0] != pages[1], axis=2)
    x0, y0, x1, y1 = (round(edge) for edge in _on_page(pages, result))
    across, along = slice(x0 + 8, x1 - 8), slice(y0 + 8, y1 - 8)
    return {
        "upper": float(paint[y0 - limit : y0 + limit + 1, across].any(axis=0).mean()),
        "lower": float(paint[y1 - limit : y1 + limit + 1, across].any(axis=0).mean()),
        "left": float(paint[along, x0 - limit : x0 + limit + 1].any(axis=1).mean()),
        "right": float(paint[along, x1 - limit : x1 + limit + 1].any(axis=1).mean()),
    }


@then("each outline has a colour of its own, and its label names the finding and the score")
def _colours(pages: tuple[Any, Any, tuple[int, int, int, int]], drawn_result: AnalysisResult, monkeypatch: pytest.MonkeyPatch) -> None:
    marked, bare, (_, _, wide, high) = pages
    assert np.all(bare == bare[..., :1]), "expected a grey film without marks, observed colours"
    colours = []
    for detection in drawn_result.detections:
        scales = (wide / drawn_result.film.columns, high / drawn_result.film.rows) * 2
        x0, y0, x1, y1 = (round(edge * scale) for edge, scale in zip(detection.box.as_tuple(), scales, strict=True))
        ring = marked[(y0 + y1) // 2, x0 - 3 : x0 + 4]
        found = ring[np.any(ring != ring[..., :1], axis=1)]
        assert len(found), f"expected a coloured outline of {detection.finding}, observed {ring.tolist()}"
        colours.append(tuple(found[0].tolist()))
    words = _drawn(drawn_result, monkeypatch)
    unnamed = [row.name for row in all_findings() if not any(row.name.split(" (")[0] in text and "0.90" in text for text in words)]
    assert len(set(colours)) == 7, f"expected seven colours, observed {colours}"
    assert not unnamed, f"expected a label with name and score of each finding, observed none of {unnamed}"


def _drawn(result: AnalysisResult, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that are drawn while the overlay is made."""
    drawn: list[str] = []
    original = ImageDraw.ImageDraw.text

    def text(self: Any, xy: Any, words: Any, *arguments: Any, **options: Any) -> Any:
        drawn.append(str(words))
        return original(self, xy, words, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ImageDraw.ImageDraw, "text", text)
        overlay(result)
    return drawn


@when("the words drawn on its overlay are collected", target_fixture="words")
def _words(drawn_result: AnalysisResult, monkeypatch: pytest.MonkeyPatch) -> str:
    return " ".join(_drawn(drawn_result, monkeypatch))


def _assert_words(words: str, wanted: tuple[str, ...]) -> None:
    missing = [text for text in wanted if text.lower() not in words.lower()]
    assert not missing, f"expected the words, observed {missing} missing in {words[:400]!r}"


@then("they say EigenCAM, engineering baseline, not cleared, not for clinical use")
def _say_status(words: str) -> None:
    _assert_words(words, ("EigenCAM", "engineering baseline", "not cleared", "not for clinical use"))


@then("they say that a mark supports but never replaces reading the whole film")
def _say_limits(words: str) -> None:
    _assert_words(words, ("supports but never replaces reading the whole film",))


@then("they say that the heat map is no evidence for any finding")
def _say_evidence(words: str) -> None:
    _assert_words(words, ("no evidence for any",))


@then("they say that no heat map exists")
def _say_no_map(words: str) -> None:
    _assert_words(words, ("no heat map exists",))


@then("none of the words calls the film normal, healthy or negative")
def _say_nothing_more(words: str) -> None:
    found = ASSESSMENT.findall(words)
    assert not found, f"expected none of the three words, observed {found}"


# --- the validation record


@when("the validation record of the shipped bundle is read", target_fixture="validation")
def _validation(repository: Path) -> dict[str, Any]:
    path = repository / "artifacts" / "validation" / "validation.json"
    assert path.is_file(), "expected artifacts/validation/validation.json, observed none; run `./qms demo` first"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@then("it was made with exactly this bundle")
def _this_bundle(validation: dict[str, Any], shipped_bundle: Path) -> None:
    expected, observed = bundles.sha256(shipped_bundle / "manifest.json"), validation["device"]["bundle_sha256"]
    assert observed == expected, f"expected the bundle {expected[:12]}, observed {observed[:12]}"


@then(parsers.parse("its macro AP at IoU 0.5 over the seven findings is at least {goal:f} and above the trivial detector's"))
def _goal(validation: dict[str, Any], goal: float) -> None:
    ours, trivial = (validation[name]["ap50"]["macro"]["value"] for name in ("figures", "figures_trivial"))
    assert ours is not None, f"expected a figure, observed none: {validation['figures']['ap50']['macro']}"
    assert ours >= goal, f"expected at least {goal}, observed {ours}"
    assert trivial is not None, "expected a figure of the trivial detector, observed none"
    assert ours > trivial, f"expected more than the trivial detector's {trivial}, observed {ours}"


@then("it gives each of the seven findings a figure with a patient-level bootstrap interval")
def _each(validation: dict[str, Any]) -> None:
    figures = validation["figures"]["ap50"]
    for row in all_findings():
        figure = figures.get(row.id, {})
        interval = figure.get("interval") or {}
        assert figure.get("value") is not None, f"expected a figure for {row.id}, observed {figure}"
        assert interval.get("replicates", 0) >= 500, f"expected a bootstrap interval for {row.id}, observed {interval}"
        assert interval["low"] <= figure["value"] <= interval["high"], f"expected {figure['value']} inside its interval, observed {interval}"
