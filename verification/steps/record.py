"""Steps on a batch and on what each input of it leaves: a result or a refusal record."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from pytest_bdd import given, parsers, then, when

from device_sw._version import __version__
from device_sw.batch.examination import InProcess
from device_sw.batch.run import Batch
from device_sw.device import Device, Engine, open_engine
from device_sw.errors import InferenceFailed
from device_sw.findings import all_findings
from device_sw.launcher import is_launched
from device_sw.report.json_report import json_report
from device_sw.report.outputs import Wanted
from verification.steps import bundles, films
from verification.steps.admission import analysed
from verification.steps.outputs import (
    ANALYSED,
    ASSESSMENT,
    REFUSED,
    detections,
    drawn_words,
    files,
    keys,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_sw.report.content import AnalysisResult
    from verification.steps.admission import Ending
    from verification.steps.command import Run


SEARCHED_FIELDS = re.compile(r"priority|urgen|rank|triage", re.IGNORECASE)


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
    found = sorted({key for value in values for key in keys(value) if SEARCHED_FIELDS.search(key)})
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


@then("only results, overlays, refusals, pages, DICOM objects, audit file, index and summary lie in the output folder")
def _only(run: Run) -> None:
    names = [path.relative_to(run.out).as_posix() for path in files(run)]
    kinds = (
        r"(results|refusals)/\d{4}-\w+\.json",
        r"overlays/\d{4}-\w+\.png",
        r"dicom/\d{4}-\w+/(sr|gsps)\.dcm",
        r"pages/\d{4}-\w+\.html",
    )
    allowed = re.compile("|".join((*kinds, r"audit\.jsonl|index\.json|summary\.json")))
    surplus = [name for name in names if not allowed.fullmatch(name)]
    assert len(names) == 23, f"expected 23 files, observed {names}"
    assert not surplus, f"expected no other file, observed {surplus}"


@then("every JSON file parses and every overlay opens")
def _whole(run: Run) -> None:
    for path in files(run):
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
    left = [path.relative_to(run.out).as_posix() for path in files(run) if path.parent != run.out]
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


@when("the first film is analysed through the public interface", target_fixture="ending")
def _interface(run: Run, devices: Callable[[str], Device]) -> Ending:
    assert is_launched(), (
        "expected the numeric environment of the device in this process, observed another; run the scenarios through `./qms test`"
    )
    return analysed(devices("intended-use"), run.inputs[0])


@then("the detections of its result file equal those of the interface with id, name, box, score and operating point")
def _field_by_field(run: Run, ending: Ending, small_bundle: Path) -> None:
    points = json.loads((small_bundle / "thresholds.json").read_text(encoding="utf-8"))["thresholds"]
    names = {row.id: row.name for row in all_findings()}
    expected = [
        {
            "finding": d.finding,
            "name": names[d.finding],
            "box": list(d.box.as_tuple()),
            "score": d.score,
            "operating_point": points[d.finding],
        }
        for row in all_findings()
        for d in ending.analysis.detections
        if d.finding == row.id
    ]
    observed = detections(run.record("results", 1))
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
    said = [*texts(json_report(silent_result, 1)), *drawn_words(silent_result, monkeypatch)]
    found = [text for text in said if ASSESSMENT.search(text)]
    assert not found, f"expected none of the three words, observed {found}"


@then("every result says that the device is an engineering baseline, not cleared and not for clinical use")
def _status(run: Run) -> None:
    for name, record in run.records().items():
        missing = [
            words
            for words in ("engineering baseline", "not cleared", "not for clinical use")
            if words not in record["statement"].lower()
        ]
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


@then("input 4 has one record with status refused, code ADM-VIEW, place, found, expected and repair")
def _record_four(run: Run) -> None:
    record = run.record("refusals", 4)
    assert (record["status"], record["code"]) == ("refused", "ADM-VIEW"), f"expected refused with ADM-VIEW, observed {record}"
    empty = [name for name in ("where", "found", "expected", "repair") if not record.get(name)]
    assert not empty, f"expected the four parts, observed {empty} empty"


@then("that record has neither a list of detections nor a picture")
def _no_list(run: Run) -> None:
    found = [key for key in keys(run.record("refusals", 4)) if "detection" in key or "finding" in key or "candidate" in key]
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
        raise InferenceFailed(
            "INF-NONFINITE", where="network", found="a NaN", expected="finite numbers", repair="run the self-test"
        )

    def self_test(self) -> Any:
        return self.engine.detector.self_test()


@given("a device whose network fails with INF-NONFINITE", target_fixture="failing")
def _failing(small_bundle: Path) -> Device:
    engine = open_engine(small_bundle)
    return Device(small_bundle, open_engine=lambda _: Engine(_Failing(engine), engine.settings, engine.bundle_sha256))


@when("a batch of one chest film is run with it", target_fixture="failed_out")
def _failed_batch(failing: Device, tmp_path: Path) -> Path:
    batch = Batch(InProcess(failing, Wanted(run_time=datetime.now(UTC))), tmp_path / "out", print)
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
