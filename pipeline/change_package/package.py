"""A change package as a folder: pages for people, and one JSON file with everything they show. Equal ends give equal bytes; nothing in it is a time or a path of a machine.

    index.html  items.html  suspects.html  risks.html  scenarios.html  made.html  documents.html  redlines/*.html  worksheets/*.html  change_package.json  SHA256SUMS

The package is a draft by a program: it lists what changed and what follows by rules, and concludes nothing.

Source: traceability reference 7 (change package); IEC 62304 8.2.4; ISO 13485 4.2.5, 7.3.9.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.change_package import pages
from pipeline.change_package.comparison import compare
from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.facts import facts
from pipeline.change_package.made_parts import State
from pipeline.change_package.reruns import Outcome
from pipeline.change_package.worksheets import BY_A_PERSON, drafts, load_sheets
from pipeline.release.parts.parts import json_bytes
from pipeline.release.record.record import CONCLUSION
from verification.trace.impact import to_json as impact_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.change_package.comparison import Comparison
    from pipeline.change_package.ends import End, Pair
    from pipeline.change_package.worksheets import Draft

SCHEMA = "thoratrace/change-package/1"
STATUS = "DRAFT, made by a program; no decision is made here"
PCCP = "none: the model is locked, and no change is authorised in advance"
PLACE = "artifacts/change_packages"
JSON = "change_package.json"
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class ChangePackage:
    """A comparison with its draft worksheets."""

    found: Comparison
    drafts: tuple[Draft, ...]

    @property
    def gaps(self) -> tuple[str, ...]:
        """What was not compared, one sentence each; none of it is unchanged."""
        return tuple(_gaps(self.found))

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, but for the words of redlines, which stand in their pages."""
        found = self.found
        return {
            "schema": SCHEMA,
            "status": STATUS,
            "conclusion": CONCLUSION,
            "predetermined_change_control_plan": PCCP,
            "before": _end(found.pair.before),
            "after": _end(found.pair.after),
            "not_compared": list(self.gaps),
            "impact": impact_json(found.impact, found.pair.before.title, found.pair.after.title),
            "items": [asdict(each) for each in found.items],
            "parameters": [asdict(each) for each in found.parameters],
            "components": [asdict(each) for each in found.components],
            "tools": [asdict(each) for each in found.tools],
            "model_and_data": [_plain(each) for each in found.claims],
            "parts": [_plain(each) for each in found.parts],
            "stages": [asdict(each) for each in found.stages],
            "performance": [asdict(each) for each in found.exams],
            "risks": [{**asdict(each), "entered": each.is_entered} for each in found.risks],
            "scenarios": {
                "identity_before": found.runs[0].identity,
                "identity_after": found.runs[1].identity,
                "reason": found.runs[1].reason,
                "rerun": [_plain(each) for each in found.reruns],
            },
            "documents": [_document(each.name, each.how, each.counts) for each in (*found.documents, *found.pages)],
            "worksheets": [_worksheet(each) for each in self.drafts],
        }


def _gaps(found: Comparison) -> Iterable[str]:
    yield from (f"could not be read, {each}" for each in found.impact.unread)
    for end in (found.pair.before, found.pair.after):
        if end.sealed is None:
            yield f"{end.title}: nothing is sealed, so model, data, bundle, performance and the built file are not compared"
        elif not end.sealed.archived:
            yield f"{end.title}: the archive is not here, so none of the parts that only it holds is compared"
    reasons = Counter(each.reason for each in found.parts if each.state is State.NOT_COMPARED)
    yield from (f"{count} sealed parts: {reason}" for reason, count in sorted(reasons.items()))
    for exam in found.exams:
        for end, source in zip((found.pair.before, found.pair.after), (exam.before, exam.after), strict=True):
            if source.reason and end.sealed is not None:
                yield f"performance on the {exam.title}, {end.title}: {source.reason}"


def _end(end: End) -> dict[str, Any]:
    sealed = end.sealed
    return {
        "title": end.title,
        "commit": end.commit,
        "working_tree": end.is_tree,
        "record_sha256": sealed.record.sha256 if sealed else None,
        "version": sealed.record.version if sealed else None,
        "verifier": sealed.verdict if sealed else None,
        "not_checked": list(sealed.unchecked) if sealed else [],
        "archive_here": sealed.archived if sealed else False,
    }


def _plain(value: Any) -> dict[str, Any]:
    return {name: str(each) if isinstance(each, str) else each for name, each in asdict(value).items()}


def _document(name: str, how: str, counts: tuple[int, int]) -> dict[str, Any]:
    return {
        "name": name,
        "how": how,
        "words_deleted": counts[0],
        "words_inserted": counts[1],
        "redline": pages.redline_name(name),
    }


def _worksheet(draft: Draft) -> dict[str, Any]:
    answers = [
        {
            "question": each.question.id,
            "text": each.question.text,
            "rule": str(each.question.rule),
            "computed": each.computed,
            "because": each.because,
            "facts": [asdict(fact) for fact in each.facts],
        }
        for each in draft.answers
    ]
    sheet = draft.sheet
    return {
        "id": sheet.id,
        "text": sheet.text,
        "status": STATUS,
        "decision": None,
        "look_up": list(sheet.look_up),
        "answers": answers,
    }


def change_package(root: Path, pair: Pair) -> ChangePackage:
    """Return the change package of two ends.

    Raises:
        ChangePackageRefused: ``CPK-SOURCE``, ``CPK-PART``, ``CPK-WORKSHEET``.
    """
    sheets = load_sheets()
    found = compare(root, pair)
    return ChangePackage(found, drafts(sheets, facts(found)))


def contents(package: ChangePackage) -> Mapping[str, bytes]:
    """Return every file of a package by its name, the list of their hashes included."""
    made = {name: text.encode() for name, text in pages.render(package).items()}
    made[JSON] = json_bytes(package.to_json())
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(made.items()))
    return {**made, SUMS: sums.encode()}


def write(folder: Path, package: ChangePackage) -> Path:
    """Write a package whole or not at all, in place of an older one, and return its first page.

    Raises:
        ChangePackageRefused: ``CPK-OUT``, the place is taken by something that is no change package.
    """
    if folder.exists() and not ((folder / JSON).is_file() and (folder / SUMS).is_file()) and not _is_empty(folder):
        expected, repair = "a new folder, or one that holds a change package", "name another folder with --out"
        raise ChangePackageRefused("CPK-OUT", where=folder.name, found="something else", expected=expected, repair=repair)
    made = contents(package)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as place:
        draft, older = Path(place) / "draft", Path(place) / "older"
        for name, content in made.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_bytes(content)
        if folder.exists():
            folder.replace(older)
        draft.replace(folder)
    return folder / "index.html"


def summary(package: ChangePackage) -> str:
    """Return the package in a few lines for a terminal."""
    found = package.found
    open_risks = sum(not each.is_entered for each in found.risks)
    passed = sum(each.outcome is Outcome.PASSED for each in found.reruns)
    answers = [each.computed for draft in package.drafts for each in draft.answers]
    lines = (
        f"{found.pair.before.title} .. {found.pair.after.title}: {STATUS}",
        f"{len(found.items)} items changed, {len(found.impact.suspects)} suspect; {len(found.documents) + len(found.pages)} redlines",
        f"{len(found.risks)} risks to judge again, {open_risks} of them without an entry",
        f"{len(found.reruns)} scenarios to run again, {passed} of them run again and passed",
        f"{len(answers)} questions on {len(package.drafts)} worksheets, {answers.count(BY_A_PERSON)} left to people; predetermined change control plan: none",
        *(f"not compared: {each}" for each in package.gaps),
    )
    return "\n".join(lines)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
