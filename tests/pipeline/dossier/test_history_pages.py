"""The history names every release with device and model, in order, and the build that the file describes last."""

import json
import re
from types import SimpleNamespace

import pytest

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.history_pages import NO_RELEASE, NO_SERIES, SERIES, HistoryPages, records
from pipeline.dossier.model_pages import MANIFEST
from pipeline.file_error import FileError
from pipeline.release.record.dsse import Envelope
from pipeline.release.record.record import Kind
from tests.pipeline.release.records import record
from verification.trace.audit_log import AuditTrail, Event

EMPTY = AuditTrail()


@pytest.fixture
def root(tmp_path):
    manifest = {"model_version": "0.3.0", "profile": "phantom", "budget": "quick", "lineage": {"weights_sha256": "9" * 64}}
    (tmp_path / MANIFEST).parent.mkdir(parents=True)
    (tmp_path / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path


def release(root, version):
    made = record(kind=Kind.RELEASE, version=version)
    folder = root / "releases" / version
    folder.mkdir(parents=True)
    (folder / "record.dsse.json").write_bytes(Envelope(made.payload).to_bytes())
    return made


def pages(root, trail=EMPTY):
    return HistoryPages(root, EvidenceBook(root), trail, "0.2.0")


def test_without_a_release_the_page_says_so(root):
    text = pages(root).versions()
    assert text.startswith(NO_RELEASE)
    assert "device 0.2.0" in text
    assert "0.3.0" in text


def test_releases_stand_in_order_with_model_and_commit(root):
    for version in ("0.10.0", "0.9.0"):
        made = release(root, version)
    text = pages(root).versions()
    assert NO_RELEASE not in text
    assert text.index("release 0.9.0") < text.index("release 0.10.0") < text.index("this build")
    assert made.model.weights_sha256[:12] in text
    assert made.source.commit[:12] in text
    assert "not in the log" in text


def test_times_are_those_of_the_log(root):
    made = release(root, "0.1.0")
    facts = (("record_sha256", made.sha256), ("version", "0.1.0"))
    entries = [
        SimpleNamespace(event=Event.RECORDED, time="2026-11-22T03:00:00Z", facts=facts),
        SimpleNamespace(event=Event.APPROVED, time="2026-11-22T04:00:00Z", facts=facts),
        SimpleNamespace(event=Event.APPROVED, time="2026-11-22T05:00:00Z", facts=(("record_sha256", "0" * 64),)),
    ]
    text = pages(root, SimpleNamespace(entries=entries)).versions()
    assert "recorded 2026-11-22T03:00:00Z\n\n    approved 2026-11-22T04:00:00Z" in text
    assert "05:00:00" not in text


def run(verdict, equal, seconds, *reasons):
    return {"verdict": verdict, "equal": equal, "seconds_in_all": seconds, "reasons": list(reasons), "cores": 2}


def series(root, version, *runs):
    passed = sum(each["verdict"] == "PASS" for each in runs)
    content = {"release": f"release {version}", "level": "eval", "record_sha256": "ab" * 32, "passed": passed, "runs": runs}
    (root / SERIES).mkdir(parents=True, exist_ok=True)
    (root / SERIES / f"{version}-eval.json").write_text(json.dumps(content), encoding="utf-8")


def test_what_came_of_making_a_release_again_is_counted_and_the_first_difference_is_named(root):
    assert pages(root).made_again() == NO_SERIES
    good = run("PASS", 668, 60.0)
    reason = "REP-DIVERGENCE: weights: bundle/weights.safetensors at byte 9: recorded 01, reproduced 02"
    series(root, "0.1.0", good, run("FAIL", 666, 150.0, reason))
    text = re.sub(r"\{ev\}`([^`<]*) <[^`]*`", r"\1", pages(root).made_again())
    assert "release 0.1.0" in text
    assert "1 of 2" in text
    assert "666 to 668" in text
    assert "2 min, 2 cores" in text
    assert "bundle/weights.safetensors at byte 9\n" in text
    series(root, "0.1.0", good)
    assert "REP-DIVERGENCE" not in pages(root).made_again()


def test_series_stand_by_version(root):
    for version in ("0.10.0", "0.9.0"):
        series(root, version, run("PASS", 1, 1.0))
    text = pages(root).made_again()
    assert text.index("release 0.9.0") < text.index("release 0.10.0")


def test_a_record_that_cannot_be_read_stops_the_build(root):
    release(root, "0.1.0")
    (root / "releases/0.1.0/record.dsse.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FileError, match=r"^FILE-EVIDENCE at releases/0\.1\.0: found REL-RECORD"):
        records(root)
