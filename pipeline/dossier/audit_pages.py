"""The audit log as the technical file states it, and the result on the locked cohort where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.dossier.metric_text import interval_text
from pipeline.dossier.tables import link, plain, table
from verification.trace.audit_log import AUDIT, DOCUMENTS, RELEASES, Event
from verification.trace.people import shown

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook
    from verification.trace.audit_log import AuditTrail, Entry

NOTHING = "The audit log is empty: no protocol is frozen, and nobody has opened the locked cohort."
SAID = {
    Event.FROZEN: "protocol {version} frozen, {studies} studies planned, {studies_needed} needed",
    Event.OPENED: "locked cohort opened: {studies} studies, seed {seed}",
    Event.JUDGED: "result known, every primary endpoint met: {primary_passed}",
    Event.RECORDED: "release {version} recorded at commit {commit}",
    Event.APPROVED: "release {version} approved",
}
_SHORT = 12


class AuditPages:
    """Tables of what was done."""

    def __init__(self, trail: AuditTrail, book: EvidenceBook) -> None:
        """Keep a trail that holds, and the book for results."""
        self._trail = trail
        self._book = book

    @property
    def trail(self) -> AuditTrail:
        """The log that these pages print, for pages that look up a time in it."""
        return self._trail

    def listed(self) -> str:
        """Return every entry with its time, who made it and why."""
        if not self._trail.entries:
            return NOTHING
        rows = [
            [each.time, self._book.cited(_what(each), AUDIT), plain(f"{shown(each.name)} as {each.role}"), plain(each.statement)]
            for each in self._trail.entries
        ]
        return table(["Time (UTC)", "What", "Who", "Why"], rows, widths=[16, 38, 24, 22])

    def result(self) -> str:
        """Return the endpoints as the last locked validation judged them; a remark where there is none."""
        judged = [each for each in self._trail.entries if each.event is Event.JUDGED]
        if not judged:
            return "There is no locked validation yet, so no figure here is one of films that nobody had seen."
        path = judged[-1].fact("evidence")
        rows = [self._endpoint(path, index, row) for index, row in enumerate(self._book.value(path, "/endpoints"))]
        films, said = plain(self._book.value(path, "/films_are")), plain(self._book.value(path, "/statement"))
        head = f"The last result ({films}; *{said}*), of the bundle `{self._bundle(judged[-1])}`:"
        return f"{head}\n\n{table(['Endpoint', 'Figure', 'Goal', 'Outcome', 'Evidence for'], rows, widths=[34, 24, 14, 16, 12])}"

    def _bundle(self, judged: Entry) -> str:
        """Return the bundle that was judged, as the opening of the same protocol and weights names it."""
        same = ("protocol_sha256", "weights_sha256")
        opened = (each for each in self._trail.entries if each.event is Event.OPENED)
        return next(each.fact("bundle_sha256")[:_SHORT] for each in opened if all(each.fact(n) == judged.fact(n) for n in same))

    def _endpoint(self, path: str, index: int, row: dict[str, Any]) -> list[str]:
        place = f"/endpoints/{index}"
        value = "undefined" if row["value"] is None else f"{row['value']:.3f}"
        goal = f"{row['direction'].replace('-', ' ')} {row['threshold']} ({row['bound']})"
        return [
            f"**{plain(row['title'])}**\n\n{'primary' if row['primary'] else 'secondary'}",
            self._book.cited(value + interval_text(row["interval"]), path, f"{place}/value"),
            self._book.cited(goal, path, f"{place}/threshold"),
            self._book.cited("met" if row["passed"] else "not met", path, f"{place}/passed"),
            link(row["requirement"]),
        ]


def _what(entry: Entry) -> str:
    facts = {name: value[:_SHORT] if name in {"seed", "commit"} else value for name, value in entry.facts}
    about = "record" if DOCUMENTS[entry.event] == RELEASES else "protocol"
    return f"{SAID[entry.event].format(**facts)} ({about} {facts[f'{about}_sha256'][:_SHORT]})"
