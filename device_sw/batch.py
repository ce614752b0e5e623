"""A run over many inputs into one output folder: each is analysed, and what became of it is recorded before the next one begins.

The files of an input become visible together with its audit line or not at all. One bad input never stops the others.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from device_sw.audit import AuditTrail
from device_sw.errors import DeviceError
from device_sw.report.content import STATEMENT, mark
from device_sw.report.folder import OutputFolder
from device_sw.report.outputs import Wanted, stage_refusal, stage_result
from device_sw.report.refusal import refusal_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_sw.device import Device
    from device_sw.report.content import AnalysisResult


@dataclass
class Batch:
    """A run over many inputs into one output folder. Numbers continue where an earlier run into the same folder ended.

    Attributes:
        device: what analyses.
        root: the output folder.
        say: receives one line for each input that was not analysed.
        wanted: what is written for each input.
        outcomes: what became of the inputs of this run, in their order.
    """

    device: Device
    root: Path
    say: Callable[[str], None]
    wanted: Wanted = field(default_factory=lambda: Wanted(run_time=datetime.now(UTC)))
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    _names: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open output folder and audit trail."""
        self._folder: OutputFolder = OutputFolder(self.root)
        self._trail: AuditTrail = AuditTrail(self.root / "audit.jsonl")
        self._names = _earlier_names(self.root / "index.json")

    @property
    def all_analysed(self) -> bool:
        """Whether no input was refused and none failed."""
        return all(outcome["status"] == "analysed" for outcome in self.outcomes)

    def take(self, path: Path) -> None:
        """Analyse one input and record what became of it."""
        index = self._trail.count + 1
        try:
            result = self.device.analyse(path)
        except DeviceError as error:
            self._record_refusal(index, path, error)
        else:
            self._record_result(index, path, result)

    def _record_result(self, index: int, path: Path, result: AnalysisResult) -> None:
        stem = f"{index:04d}-{result.film.content_sha256[:8]}"
        marked = Counter(str(detection.finding) for detection in result.detections)
        outcome = {
            "status": "analysed",
            "code": None,
            "content_sha256": result.film.content_sha256,
            "sop_instance_uid": result.film.sop_instance_uid,
        }
        with self._folder.transaction() as folder:
            stage_result(folder, result, index, stem, self.wanted)
            self._audit(index, {**outcome, "detections": dict(sorted(marked.items()))})
        self._note(index, path, {**outcome, "file": f"results/{stem}.json", "detections": sum(marked.values())})

    def _record_refusal(self, index: int, path: Path, error: DeviceError) -> None:
        settings = {
            "policy": self.device.policy,
            "device_version": self.device.version,
            "bundle_sha256": self.device.bundle_sha256,
        }
        record = refusal_record(error, index=index, **settings)  # type: ignore[arg-type]
        digest = record["input"]["content_sha256"]
        outcome = {
            "status": record["status"],
            "code": error.code,
            **{key: record["input"][key] for key in ("content_sha256", "sop_instance_uid")},
        }
        stem = f"{index:04d}-{digest[:8] if digest else 'unread'}"
        with self._folder.transaction() as folder:
            stage_refusal(folder, error, record, index, stem, self.wanted)
            self._audit(index, {**outcome, "detections": {}})
        self._note(index, path, {**outcome, "file": f"refusals/{stem}.json"})
        self.say(f"{index:04d} {record['status']}: {error}")

    def _audit(self, index: int, outcome: dict[str, Any]) -> None:
        words = mark(self.device.policy)
        self._trail.append(
            {
                "schema": "thoratrace/audit/1",
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "index": index,
                "device_version": self.device.version,
                "model_version": self.device.settings.model_version,
                "bundle_sha256": self.device.bundle_sha256,
                "policy": self.device.policy.value,
                **({} if words is None else {"mark": words}),
                **outcome,
            }
        )

    def _note(self, index: int, path: Path, outcome: dict[str, Any]) -> None:
        self.outcomes.append({"index": index, **outcome})
        self._names.append({"index": index, "path": str(path), "content_sha256": outcome["content_sha256"]})

    def finish(self) -> None:
        """Write the index of names and the summary of this run, also where the run ends early."""
        with self._folder.transaction() as folder:
            folder.stage_json("index.json", {"schema": "thoratrace/index/1", "inputs": self._names})
            folder.stage_json("summary.json", self.summary())

    def summary(self) -> dict[str, Any]:
        """Return what became of the inputs, in the order they were given."""
        words = mark(self.device.policy)
        statuses = Counter(outcome["status"] for outcome in self.outcomes)
        return {
            "schema": "thoratrace/summary/1",
            **({} if words is None else {"mark": words}),
            "statement": STATEMENT,
            "policy": self.device.policy.value,
            "device_version": self.device.version,
            "model_version": self.device.settings.model_version,
            "bundle_sha256": self.device.bundle_sha256,
            "inputs": len(self.outcomes),
            **{status: statuses[status] for status in ("analysed", "refused", "failed")},
            "codes": dict(sorted(Counter(outcome["code"] for outcome in self.outcomes if outcome["code"]).items())),
            "outcomes": self.outcomes,
        }


def _earlier_names(path: Path) -> list[dict[str, Any]]:
    """Return the entries of an earlier index; one that cannot be read is replaced, since it is for convenience only."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
