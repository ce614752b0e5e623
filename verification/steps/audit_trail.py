"""Steps on the audit file: one line for each input, complete, and never changed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, then, when

from device_sw._version import __version__
from verification.steps import bundles
from verification.steps.command import invoke
from verification.steps.outputs import (
    ANALYSED,
    REFUSED,
)

if TYPE_CHECKING:
    from pathlib import Path

    from verification.steps.command import Command, Run


@then("the audit file has five lines that parse as JSON, in the order of the inputs")
def _five_lines(run: Run) -> None:
    assert [line["index"] for line in run.audit] == [1, 2, 3, 4, 5], (
        f"expected lines 1 to 5, observed {[line['index'] for line in run.audit]}"
    )
    outcomes = [line["status"] for line in run.audit]
    assert outcomes == ["analysed", "refused", "refused", "refused", "analysed"], (
        f"expected the outcomes of the batch, observed {outcomes}"
    )


@then(
    "every audit line holds UTC time, device version, model version, bundle hash, policy, content hash, outcome, code and number of detections"
)
def _nine(run: Run) -> None:
    manifest = json.loads((run.bundle / "manifest.json").read_text(encoding="utf-8"))
    digest = bundles.sha256(run.bundle / "manifest.json")
    for index, line in enumerate(run.audit, start=1):
        told = datetime.fromisoformat(line["time"])
        assert told.utcoffset() == timedelta(0), f"expected UTC, observed {line['time']}"
        assert abs(datetime.now(UTC) - told) < timedelta(hours=1), f"expected the time of the run, observed {line['time']}"
        observed = (line["device_version"], line["model_version"], line["bundle_sha256"], line["policy"])
        assert observed == (__version__, manifest["model_version"], digest, "intended-use"), (
            f"expected what made it, observed {observed}"
        )
        expected = ("refused", REFUSED[index]) if index in REFUSED else ("analysed", None)
        assert (line["status"], line["code"]) == expected, f"expected {expected}, observed {(line['status'], line['code'])}"
        assert line["content_sha256"] == bundles.sha256(run.inputs[index - 1]), (
            f"expected the content hash of input {index}, observed {line}"
        )
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
    before = (tampered / "audit.jsonl").read_bytes()
    return invoke("analyse", str(run.inputs[0]), "-o", str(tampered), "--bundle", str(small_bundle)), before


@then(parsers.parse("it ends with {code:d}, names {name} and leaves the audit file as it is"))
def _noticed(after_tampering: tuple[Command, bytes], tampered: Path, code: int, name: str) -> None:
    command, before = after_tampering
    assert command.code == code, f"expected {code}, observed {command.code}"
    assert name in command.stderr, f"expected {name}, observed {command.stderr!r}"
    assert (tampered / "audit.jsonl").read_bytes() == before, "expected the audit file untouched, observed a change"
