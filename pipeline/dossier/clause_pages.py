"""The manifests as pages: one for each standard, with the state of every clause, and one that counts them.

A state follows from the row: GAP where anything stands against it, with the evidence it has beside; NOT-APPLICABLE where the reason is signed; EVIDENCE else.
A reason that nobody has signed is no state of its own, and is printed and counted as that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.dossier.headings import target_of
from pipeline.dossier.tables import link, links, plain, table, toned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.dossier.clause_manifests import Clause, Manifest
    from pipeline.dossier.evidence import EvidenceBook
    from pipeline.dossier.gaps import Gap
    from pipeline.dossier.headings import Places


class State(StrEnum):
    """What a clause comes to."""

    EVIDENCE = "EVIDENCE"
    NOT_APPLICABLE = "NOT-APPLICABLE"
    UNSIGNED = "NOT-APPLICABLE, NOT SIGNED"
    GAP = "GAP"


_TONES = {State.EVIDENCE: "acceptable", State.NOT_APPLICABLE: "acceptable", State.UNSIGNED: "reduce", State.GAP: "unacceptable"}


def state_of(clause: Clause, *, signed: bool) -> State:
    """Return the state of a row; ``signed`` says whether its manifest is."""
    if clause.gaps:
        return State.GAP
    if clause.not_applicable:
        return State.NOT_APPLICABLE if signed else State.UNSIGNED
    return State.EVIDENCE


@dataclass(frozen=True, slots=True)
class Answer:
    """A row of a manifest with what it comes to.

    Attributes:
        manifest: id of the manifest.
        place: of the row among the rows of all manifests.
        clause: the row.
        state: what it comes to.
    """

    manifest: str
    place: int
    clause: Clause
    state: State

    @property
    def cites(self) -> str:
        """Return what stands before the clause's number where it is cited."""
        return self.clause.name.removesuffix(self.clause.number).rstrip()


@dataclass(frozen=True)
class ClausePages:
    """Pages and counts of all manifests.

    Attributes:
        manifests: in their order.
        signed: who approved them, for those that are approved as they lie here.
        gaps: by their ids.
        standards: short name of each standard of the register by its id.
        book: figures are read there.
    """

    manifests: tuple[Manifest, ...]
    signed: Mapping[str, str]
    gaps: Mapping[str, Gap]
    standards: Mapping[str, str]
    book: EvidenceBook

    def counted(self, manifest: Manifest) -> Counter[State]:
        """Return how many clauses of a manifest are in each state."""
        return Counter(self._state(manifest, clause) for clause in manifest.clauses)

    def counts(self) -> str:
        """Return the table of counts by manifest and state, with the sums below."""
        rows = [[f"[{plain(each.title)}](#{_target(each)})", *_numbers(self.counted(each))] for each in self.manifests]
        total = sum((self.counted(each) for each in self.manifests), Counter[State]())
        return table(["Manifest", "Clauses", *State], [*rows, ["**All**", *_numbers(total)]], widths=[40, 12, 12, 12, 12, 12])

    def toctree(self) -> str:
        """Return the table of contents of the manifests' pages."""
        return "\n".join(["```{toctree}", ":hidden:", "", *(manifest.id for manifest in self.manifests), "```"])

    def page(self, manifest: Manifest, places: Places) -> str:
        """Return the page of a manifest."""
        head = f"({_target(manifest)})=\n# {plain(manifest.title)}"
        shown = f"*Evidence for:* {plain(manifest.cites)}, clause by clause."
        counts = table(["Clauses", *State], [_numbers(self.counted(manifest))])
        parts = [f"{_heading(rows)}{self._table(manifest, rows, places)}" for rows in _groups(manifest.clauses)]
        return "\n\n".join([head, shown, plain(manifest.about), self._signature(manifest), counts, *parts]) + "\n"

    def record(self) -> list[dict[str, Any]]:
        """Return all rows for programs, with their states."""
        return [
            {
                "id": manifest.id,
                "title": manifest.title,
                "signed": self.signed.get(manifest.id, ""),
                "counts": {state.value: count for state, count in sorted(self.counted(manifest).items())},
                "clauses": [self._recorded(manifest, clause) for clause in manifest.clauses],
            }
            for manifest in self.manifests
        ]

    def answers(self) -> tuple[Answer, ...]:
        """Return every row of every manifest with its state, for the printed views."""
        rows = ((manifest, clause) for manifest in self.manifests for clause in manifest.clauses)
        return tuple(Answer(each.id, place, row, self._state(each, row)) for place, (each, row) in enumerate(rows))

    def _state(self, manifest: Manifest, clause: Clause) -> State:
        return state_of(clause, signed=manifest.id in self.signed)

    def _recorded(self, manifest: Manifest, clause: Clause) -> dict[str, Any]:
        figures = [{"label": each.label, "file": each.path, "pointer": each.pointer} for each in clause.figures]
        return {
            "clause": clause.name,
            "state": self._state(manifest, clause).value,
            "shown": list(clause.shown),
            "files": list(clause.files),
            "figures": figures,
            "items": list(clause.items),
            "gaps": list(clause.gaps),
            "not_applicable": clause.not_applicable,
        }

    def _signature(self, manifest: Manifest) -> str:
        if manifest.id in self.signed:
            return f"Approved exactly as it lies here (`verification/approvals.jsonl`): {plain(self.signed[manifest.id])}."
        if any(clause.not_applicable for clause in manifest.clauses):
            return f"Nobody has signed this manifest, so no reason for not applying counts yet. Two roles sign it with `./qms approve {manifest.path}`."
        return f"Nobody has signed this manifest yet (`./qms approve {manifest.path}`)."

    def _table(self, manifest: Manifest, rows: Sequence[Clause], places: Places) -> str:
        if manifest.columns:
            header = ["Clause", "What it asks", "State", "Method and standards", "Evidence and gaps"]
            return table(header, [self._wide_row(manifest, row, places) for row in rows], widths=[9, 27, 12, 20, 32])
        header = ["Clause", "What it asks", "State", "Evidence and gaps"]
        return table(header, [self._row(manifest, row, places) for row in rows], widths=[12, 34, 14, 40])

    def _row(self, manifest: Manifest, row: Clause, places: Places) -> list[str]:
        state = self._state(manifest, row)
        said = toned(_TONES[state], state)
        return [f"[{plain(row.number)}]{{.item}}", plain(row.asks), said, "\n\n".join(self._evidence(row, places))]

    def _wide_row(self, manifest: Manifest, row: Clause, places: Places) -> list[str]:
        number, asks, state, evidence = self._row(manifest, row, places)
        applied = ", ".join(self.standards[each] for each in row.standards)
        how = [plain(row.method), f"*Standards:* {plain(applied)}" if applied else ""]
        return [number, asks, state, "\n\n".join(filter(None, how)), evidence]

    def _evidence(self, row: Clause, places: Places) -> Iterator[str]:
        if row.not_applicable:
            yield f"*Does not apply:* {plain(row.not_applicable)}"
            yield f"*Permitted by:* {plain(row.permitted)}"
        if row.shown:
            yield ", ".join(_reference(place, places) for place in row.shown)
        if row.items:
            yield links(row.items)
        if row.files:
            yield ", ".join(f"`{path}`" for path in row.files)
        for each in row.figures:
            yield f"{plain(each.label)}: {self.book.figure(each.path, each.pointer)}"
        for gap in row.gaps:
            yield f"{link(gap)} {plain(self.gaps[gap].title)}"


def _target(manifest: Manifest) -> str:
    return f"clauses-{manifest.id}"


def _numbers(counted: Counter[State]) -> list[str]:
    return [str(counted.total()), *(str(counted[state]) for state in State)]


def _groups(clauses: Sequence[Clause]) -> Iterator[list[Clause]]:
    """Yield the rows from one heading to the next."""
    rows: list[Clause] = []
    for clause in clauses:
        if clause.group and rows:
            yield rows
            rows = []
        rows.append(clause)
    yield rows


def _heading(rows: Sequence[Clause]) -> str:
    return f"## {plain(rows[0].group)}\n\n" if rows[0].group else ""


def _reference(place: str, places: Places) -> str:
    """Return a reference to a page or to one of its sections, which the build follows."""
    words = plain(places.words(place))
    page, _, heading = place.partition("#")
    return f"[{words}](#{target_of(place)})" if heading else f"[{words}](../{page}.md)"
