"""Two ends compared in every respect that a change package shows: one value, from which pages, JSON and worksheets are made.

    ends -> source of both -> impact, items, settings, documents -> sealed parts, performance -> risks to judge again, scenarios to run again

The suspect set is that of `./qms impact`, by the same rules (ADR 0017); there is no second engine.

Source: IEC 62304 6.2.3, 6.3.1, 7.4, 8.2.3; ISO 14971 10.4; ISO 13485 7.3.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.change_package import settings
from pipeline.change_package.documents import documents, sealed_pages
from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.items import changes, read_items
from pipeline.change_package.made_parts import claims, parts, stages
from pipeline.change_package.performance import exams
from pipeline.change_package.reruns import reruns, run_of
from pipeline.change_package.risks import read_risks, risks
from pipeline.change_package.sources import source_of
from verification.trace.file_owners import owners
from verification.trace.impact import impact
from verification.trace.revisions import RevisionError, changed_files, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.change_package.documents import DocumentChange
    from pipeline.change_package.ends import Pair
    from pipeline.change_package.items import Field, ItemChange, Words
    from pipeline.change_package.made_parts import PartChange, StageChange
    from pipeline.change_package.performance import Exam
    from pipeline.change_package.reruns import Rerun, Run
    from pipeline.change_package.risks import RiskToJudge
    from verification.trace.impact import Impact


@dataclass(frozen=True)
class Comparison:
    """Everything that was compared.

    Attributes:
        pair: the ends.
        files: paths of the source that differ.
        impact: what changed and what is suspect because of it.
        words: what every item said before, and says now.
        items: what changed, with old and new words.
        parameters: parameters of the pipeline that differ.
        components: locked components of the device that differ.
        tools: locked tools that differ and are no components of the device.
        documents: documents that differ, as redlines.
        pages: sealed pages of the technical file that differ, as redlines.
        claims: model and data as the records name them.
        parts: every sealed part.
        stages: stages of the pipeline, with their inputs that differ.
        exams: performance on each set of films.
        risks: situations to be judged again.
        runs: the run of the scenarios that is evidence for each end.
        reruns: scenarios to be run again.
    """

    pair: Pair
    files: tuple[str, ...]
    impact: Impact
    words: tuple[Mapping[str, Words], Mapping[str, Words]]
    items: tuple[ItemChange, ...]
    parameters: tuple[Field, ...]
    components: tuple[Field, ...]
    tools: tuple[Field, ...]
    documents: tuple[DocumentChange, ...]
    pages: tuple[DocumentChange, ...]
    claims: tuple[PartChange, ...]
    parts: tuple[PartChange, ...]
    stages: tuple[StageChange, ...]
    exams: tuple[Exam, ...]
    risks: tuple[RiskToJudge, ...]
    runs: tuple[Run, Run]
    reruns: tuple[Rerun, ...]


def compare(root: Path, pair: Pair) -> Comparison:
    """Return what lies between two ends.

    Raises:
        ChangePackageRefused: ``CPK-SOURCE``, ``CPK-PART``.
    """
    try:
        with source_of(root, pair.before) as before, source_of(root, pair.after) as after:
            return _compare(root, pair, before, after)
    except RevisionError as err:
        raise ChangePackageRefused(
            "CPK-SOURCE",
            where=pair.name,
            found=str(err),
            expected="two states that git can compare",
            repair="fetch the repository",
        ) from err


def _compare(root: Path, pair: Pair, before: Path, after: Path) -> Comparison:
    files = changed_files(root, pair.span)
    states = (read_state(before, files), read_state(after, files))
    found = impact(*states, files, owners(files, states[0].graph, states[1].graph))
    words = (read_items(before), read_items(after))
    components, tools = (_components(pair, (before, after), name) for name in (settings.DEVICE_LOCK, settings.TOOL_LOCK))
    own = {each.name for each in components}
    compared = parts(pair.before, pair.after)
    runs = (run_of(root, pair.before), run_of(root, pair.after))
    return Comparison(
        pair=pair,
        files=files,
        impact=found,
        words=words,
        items=changes(found.changed, *words),
        parameters=settings.parameters(*settings.in_use(pair, (before, after), settings.PARAMETERS)),
        components=components,
        tools=tuple(each for each in tools if each.name not in own),
        documents=documents(before, after),
        pages=sealed_pages(pair.before, pair.after, compared),
        claims=claims(pair.before, pair.after),
        parts=compared,
        stages=stages(pair.before, pair.after, files),
        exams=exams(pair.before, pair.after, before, after),
        risks=risks(found, read_risks(before), read_risks(after)),
        runs=runs,
        reruns=reruns(found, *runs),
    )


def _components(pair: Pair, sources: tuple[Path, Path], lock: str) -> tuple[Field, ...]:
    before, after = settings.in_use(pair, sources, lock)
    return settings.components(before.decode("utf-8", "replace"), after.decode("utf-8", "replace"))
