"""`./qms release attack`: finds the release, tries the plan, writes what came of it behind the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks import campaign
from pipeline.release.attacks.bench import ARCHIVE, Original
from pipeline.release.attacks.report import render
from pipeline.release.record.folder import TRIALS, find
from pipeline.run import write_json

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Report

RESULT, PAGE = "attack.json", "attack.html"


@dataclass(frozen=True)
class Attacked:
    """What came of an attack: the result, and where the page lies."""

    result: dict[str, Any]
    page: Path

    def __bool__(self) -> bool:
        """Say whether everything was caught and nothing clean refused."""
        return bool(self.result["everything_caught"])


def attack(root: Path, version: str, plan: campaign.Plan, report: Report) -> Attacked:
    """Attack a release, or a trial where no release of that version lies here, and write attack.json and its page into its folder ``after``.

    Args:
        root: the repository.
        version: of the release.
        plan: how much is tried; less than a whole plan is written too, and says so.
        report: called with done, total and a text.

    Raises:
        ReleaseRefused: there is no such release, or its record cannot be read.
    """
    release = find(root, version)
    record = release.record()
    archive = release.archive / ARCHIVE
    original = Original(root, release.path, archive if archive.is_dir() else None, tuple(each.key for each in record.signers))
    parts = root / TRIALS / f"{version}.attack.part.jsonl"
    result = campaign.run(original, plan, parts, report).to_json()
    write_json(release.after / RESULT, result)
    (release.after / PAGE).write_text(render(result), encoding="utf-8")
    return Attacked(result, release.after / PAGE)
