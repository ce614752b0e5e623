"""Ten problems that a technical file really gets, each planted in a copy of the project, and what the project says of it.

    python -m tests.benchmarks.seeded_problems

Writes ``evidence/technical_file/seeded_problems.json``: for each problem what was planted, the message, and which words of it lead to the repair.
That the same step says nothing without the problem is tried too; the repairs themselves are not made one by one. Needs the finished run that `./qms demo` leaves.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from device_sw._version import __version__
from pipeline import technical_file
from pipeline.dossier import freshness
from pipeline.dossier.subject import load_subject
from pipeline.file_error import FileError
from tests.project_copy import copy_of_project
from verification.trace.case import Level
from verification.trace.gate import check
from verification.trace.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ROOT / "evidence" / "technical_file" / "seeded_problems.json"
MANIFEST = "docs/clauses/iec-62304.toml"
VALIDATION = "artifacts/validation/validation.json"
VERDICTS = "artifacts/verification/verdicts.json"


@dataclass(frozen=True)
class Seeded:
    """One problem.

    Attributes:
        name: what is wrong, as a colleague would say it.
        place: the file that is changed.
        change: from the text as it lies to the text with the problem; None deletes the file.
        begins: pattern of the message's beginning: code and place.
        leads: words of the message that name what to do, beyond code and place.
        judge: what says so: the build of the file, or the gate at release level.
    """

    name: str
    place: str
    change: Callable[[str], str | None]
    begins: str
    leads: tuple[str, ...]
    judge: str = "build"


def _without(pattern: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        changed, count = re.subn(pattern, "", text, count=1, flags=re.DOTALL | re.MULTILINE)
        if count != 1:
            raise LookupError(f"nothing to remove by {pattern}")
        return changed

    return change


def _edited_figure(text: str) -> str:
    record = json.loads(text)
    record["figures"]["ap50"]["macro"]["value"] = 0.99
    return json.dumps(record)


def _another_identity(text: str) -> str:
    record = json.loads(text)
    record["identity"]["sha256"] = "0" * 64
    return json.dumps(record)


def _without_figure(text: str) -> str:
    record = json.loads(text)
    del record["calls"]["one_death"]
    return json.dumps(record)


PROBLEMS = (
    Seeded(
        "A clause has lost its row",
        MANIFEST,
        _without(r'^\[\[clause\]\]\n(?:group[^\n]*\n)?clause = "5\.7\.4"\n.*?(?=^\[\[clause\]\])'),
        rf"FILE-CONTENT at {MANIFEST} IEC 62304 5\.7\.4: ",
        ("0 rows for this clause", "write the row, or take it from version control"),
    ),
    Seeded(
        "A number is stale: a metric was edited after the run",
        VALIDATION,
        _edited_figure,
        r"FILE-EVIDENCE at dvc\.lock stage validate: ",
        ("artifacts/validation", "as the pipeline left it", "run ./qms demo"),
    ),
    Seeded(
        "A reason for not applying is not signed",
        "docs/clauses/mdr-gspr.toml",
        lambda text: text.replace(
            'not_applicable = "The device has a medical purpose', 'not_applicable = "It is said to have a medical purpose', 1
        ),
        r"TRC-SIGNATURE docs/clauses/mdr-gspr\.toml mdr-gspr: ",
        ("approved by nobody", "./qms approve"),
        judge="gate",
    ),
    Seeded(
        "A superseded text is cited",
        "docs/configuration.md",
        lambda text: text.replace("## Change control\n", "## Change control\n\nDesign changes follow 21 CFR 820.30.\n", 1),
        r"FILE-CONTENT at docs/configuration\.md:\d+ 21 CFR 820\.30: ",
        ("superseded", "cite 21 CFR 820.10 and ISO 13485:2016, clause 7.3"),
    ),
    Seeded(
        "A section was deleted",
        "docs/validation.md",
        _without(r"^## Subgroups\n.*?(?=^## )"),
        r"FILE-CONTENT at docs/clauses/[a-z0-9-]+\.toml:\d+ [A-Z]",
        ("no section subgroups on the page validation", "write the section in docs/validation.md again"),
    ),
    Seeded(
        "A page was deleted",
        "docs/cybersecurity.md",
        lambda _text: None,
        r"FILE-CONTENT at docs/: ",
        ("no page cybersecurity", "evidence for FDA", "take it from version control"),
    ),
    Seeded(
        "A file of evidence was deleted",
        "evidence/fuzzing/fuzzing.json",
        lambda _text: None,
        r"FILE-EVIDENCE at evidence/fuzzing/fuzzing\.json",
        ("no such file, evidence for FDA AI-enabled draft XII", "restore evidence/fuzzing/fuzzing.json from version control"),
    ),
    Seeded(
        "A number has lost its source",
        "evidence/crash_safety/report.json",
        _without_figure,
        r"FILE-EVIDENCE at evidence/crash_safety/report\.json#/calls/one_death",
        (
            "nothing at 'one_death'",
            "evidence for FDA cybersecurity guidance V.B.1 resiliency",
            "correct the row at docs/clauses/",
        ),
    ),
    Seeded(
        "Test results were given the identity of another build",
        VERDICTS,
        _another_identity,
        rf"FILE-EVIDENCE at {re.escape(VERDICTS)}",
        ("the identity as the verification run wrote it", "run ./qms demo"),
    ),
    Seeded(
        "A gap was closed, and clauses still name it",
        "docs/gaps.toml",
        _without(r'^\[\[gap\]\]\nid = "GAP-023"\n.*?(?=^\[\[gap\]\])'),
        r"FILE-CONTENT at docs/clauses/[a-z0-9-]+\.toml:\d+ [A-Z]",
        ("no gap GAP-023", "name the evidence instead"),
    ),
)


def message(root: Path, problem: Seeded) -> str:
    """Plant a problem, return what is said of it, and take it out again."""
    path = root / problem.place
    before = path.read_text(encoding="utf-8")
    try:
        _write(path, problem.change(before))
        return said(root, problem.judge)
    finally:
        _write(path, before)


def said(root: Path, judge: str) -> str:
    """Return the message of the build up to the document builder, or of the gate about the manifests; empty where there is none."""
    if judge == "gate":
        found = check(root, Level.RELEASE, write=False).problems
        return next((str(each) for each in found if "docs/clauses/mdr-gspr" in each.where), "")
    with mock.patch.object(freshness, "read_identity", return_value=_of_the_run()):
        try:
            _up_to_the_builder(root)
        except FileError as err:
            return str(err)
    return ""


def _of_the_run() -> Identity:
    """Return the identity that the run was made for: the copy is no git working tree, and whether the run is current is another question."""
    return Identity.from_json(json.loads((ROOT / VERDICTS).read_text(encoding="utf-8"))["identity"])


def _up_to_the_builder(root: Path) -> None:
    """Take the steps of the build in which every one of these problems shows."""
    technical_file.written(root, load_subject(root), root / technical_file.WORK / "source")


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """Plant each problem and write the evidence; 0 where each message leads to its repair and nothing is said without a problem."""
    with tempfile.TemporaryDirectory() as folder:
        root = copy_of_project(Path(folder) / "project")
        rows = [_row(problem, message(root, problem)) for problem in PROBLEMS]
        quiet = said(root, "build")
    value = {
        "schema": "thoratrace/seeded-problems/1",
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": __version__,
        "command": "python -m tests.benchmarks.seeded_problems",
        "problems": len(rows),
        "led_to_the_repair": sum(row["leads"] for row in rows),
        "said_without_a_problem": quiet,
        "rows": rows,
    }
    EVIDENCE.parent.mkdir(parents=True, exist_ok=True)
    EVIDENCE.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({key: value[key] for key in ("problems", "led_to_the_repair", "said_without_a_problem")}))  # noqa: T201  the result
    return 0 if all(row["leads"] for row in rows) and not quiet else 1


def _row(problem: Seeded, text: str) -> dict[str, object]:
    leads = bool(re.match(problem.begins, text)) and all(words in text for words in problem.leads)
    return {"problem": problem.name, "planted_in": problem.place, "said_by": problem.judge, "message": text, "leads": leads}


if __name__ == "__main__":
    raise SystemExit(main())
