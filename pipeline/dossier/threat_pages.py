"""The threat model and the results of security tests as tables; what controls and requirements show comes from this build, figures from their evidence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.dossier.anomaly_pages import UNRESOLVED
from pipeline.dossier.flow_drawing import draw
from pipeline.dossier.surface import TOUCHES
from pipeline.dossier.tables import NOTHING, link, links, plain, table, target
from pipeline.dossier.threats import APPLIES, KINDS, duties

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook
    from pipeline.dossier.figures import FigureShelf
    from pipeline.dossier.threats import Element, SecurityTest, Threat, ThreatModel
    from pipeline.dossier.verification_pages import VerificationPages
    from risk.evaluation import Evaluation
    from verification.trace.anomalies import Anomaly

DRAWING = "data-flow.svg"
BY = {"device": "the device", "release": "the release", "site": "the site", "nobody": '<span class="failed">nobody yet</span>'}


class ThreatPages:
    """Tables of one threat model."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the tables are made from, one value each
        self,
        root: Path,
        model: ThreatModel,
        evaluation: Evaluation,
        verification: VerificationPages,
        anomalies: tuple[Anomaly, ...],
        book: EvidenceBook,
    ) -> None:
        """Keep the parts; the root is asked for the names of decision records only."""
        self._model = model
        self._controls = {str(row.id): row for row in evaluation.controls}
        self._verification = verification
        self._anomalies = anomalies
        self._book = book
        self._decisions = {path.name[:4]: path.stem for path in (root / "docs/adr").glob("[0-9]*.md")}

    def drawing(self, shelf: FigureShelf) -> str:
        """Draw the data flow and return the directive that shows it."""
        shelf.keep(DRAWING, draw(self._model))
        caption = "Elements and flows of the threat model. Dashed: the machine of the site; red arrows leave it, or pass a network address."
        return f"```{{figure}} figures/{DRAWING}\n:alt: {caption}\n:width: 100%\n\n{caption}\n```"

    def counts(self) -> dict[str, int]:
        """Return how many elements, flows, threats and duties the model has."""
        return {
            "elements": len(self._model.elements),
            "flows": len(self._model.flows),
            "threats": len(self._model.threats),
            "duties": sum(1 for _ in duties(self._model)),
        }

    def elements(self) -> str:
        """Return the elements with the software items in them and how many threats each has by kind."""
        rows = [
            [f"{target(each.id)}\n**{each.id}**", plain(each.title), each.kind, links(each.items), self._asked(each)]
            for each in sorted(self._model.elements, key=lambda each: (each.id[0], each.id))
        ]
        return table(["Id", "Element", "Kind", "Software items", "Threats by kind"], rows, widths=[8, 30, 11, 31, 20])

    def _asked(self, element: Element) -> str:
        counted = Counter(threat.kind for threat in self._model.threats if element.id in threat.elements)
        return ", ".join(f"{kind}: {counted[kind] or 'none'}" for kind in APPLIES[element.kind])

    def flows(self) -> str:
        """Return the flows."""
        rows = [
            [
                f"{target(each.id)}\n**{each.id}**",
                f"{each.source} to {each.end}",
                plain(each.carries),
                "yes" if each.crosses else "no",
            ]
            for each in self._model.flows
        ]
        return table(
            ["Id", "From and to", "What passes", "Leaves the machine, or passes a network address"], rows, widths=[9, 18, 51, 22]
        )

    def surface(self) -> str:
        """Return what the code of each software item touches outside of memory, with the first place of each kind."""
        rows = []
        for item, places in self._model.found.items():
            first = {place.kind: place.where for place in reversed(places)}
            shown = "\n\n".join(f"{kind}: `{first[kind]}`" for kind in TOUCHES if kind in first)
            rows.append([link(item), ", ".join(kind for kind in TOUCHES if kind in first) or "nothing", shown, str(len(places))])
        return table(["Item", "Touches", "First place of each kind", "Places"], rows, widths=[24, 24, 42, 10])

    def kinds(self) -> str:
        """Return the six kinds of threat in words."""
        return "\n".join(f"- **{letter}** {plain(words)}" for letter, words in KINDS.items())

    def threats(self) -> str:
        """Return every threat with its answer and what this build shows of it."""
        rows = [self._threat(each) for each in self._model.threats]
        return table(["Id", "Threat", "Answer, and what is left", "Shown"], rows, widths=[11, 28, 39, 22])

    def _threat(self, each: Threat) -> list[str]:
        where = f"{target(each.id)}\n**{each.id}** {each.kind}\n\n{', '.join(each.elements)}"
        text = plain(each.text) + (f"\n\n*Situations:* {links(each.situations)}" if each.situations else "")
        answer = [f"*By {BY[each.by]}.* {plain(each.answer)}"]
        answer += [f"*Left:* {plain(each.left)}"] if each.left else []
        shown = [f"{link(name)} {self._shown(name)}" for name in each.controls]
        shown += [f"{link(name)}" for name in each.tests]
        shown += [f"[decision {name}](adr/{self._decisions[name]}.md)" for name in each.decisions]
        shown += [f'<span class="failed">open:</span> {links(each.gaps)}'] if each.gaps else []
        return [where, text, "\n\n".join(answer), "\n\n".join(shown) or "nothing: it is the site's to show"]

    def _shown(self, control: str) -> str:
        return "shown in this build" if self._controls[control].shown else '<span class="failed">not shown in this build</span>'

    def none(self) -> str:
        """Return the kinds of threat that some elements have no threat of, with the reason."""
        rows = [[", ".join(names), ", ".join(kinds), plain(reason)] for names, kinds, reason in self._model.none]
        return table(["Elements and flows", "Kinds", "Why there is none"], rows, widths=[20, 12, 68])

    def many(self) -> str:
        """Return the threats that would harm many patients at once (FDA: multi-patient harm view)."""
        rows = [
            [link(each.id), plain(each.text), plain(each.answer), plain(each.left) or NOTHING]
            for each in self._model.threats
            if each.many
        ]
        return table(["Threat", "How it reaches many patients", "What stops it", "What is left"], rows, widths=[10, 30, 34, 26])

    def updates(self) -> str:
        """Return the way of an update, step by step (FDA: updateability and patchability view)."""
        rows = [
            [f"{number}. {plain(each['title'])}", plain(each["who"]), plain(each["what"]), _held(each)]
            for number, each in enumerate(self._model.rows["step"], start=1)
        ]
        return table(["Step", "Who", "What happens", "What holds it, or what is missing"], rows, widths=[18, 14, 36, 32])

    def cases(self) -> str:
        """Return the views of security use cases (FDA V.B.2)."""
        rows = []
        for each in self._model.rows["case"]:
            steps = "\n".join(f"{number}. {plain(step)}" for number, step in enumerate(each["steps"], start=1))
            shown = "\n\n".join(f"{link(name)} {self._verification.verdict(name)}" for name in each["requirements"])
            rows.append([f"**{plain(each['title'])}**", steps, plain(each["ends"]), shown])
        return table(["Use case", "In order", "Ends with", "Shown"], rows, widths=[17, 37, 24, 22])

    def measures(self) -> str:
        """Return the security controls by the categories of the guidance (V.B.1)."""
        rows = []
        for each in self._model.rows["measure"]:
            shown = [f"{link(name)} {self._verification.verdict(name)}" for name in each["requirements"]]
            shown += [f'<span class="failed">open:</span> {links(each["gaps"])}'] if each["gaps"] else []
            rows.append([f"**{plain(each['title'])}**", plain(each["text"]), "\n\n".join(shown)])
        return table(["Category", "What there is", "Shown"], rows, widths=[20, 50, 30])

    def tests(self) -> str:
        """Return the tests of security with their figures and whether they hold."""
        rows = [self._test(each) for each in self._model.tests]
        return table(["Id", "Test", "Result", "Limits"], rows, widths=[9, 33, 34, 24])

    def _test(self, each: SecurityTest) -> list[str]:
        test = f"**{plain(each.title)}**\n\n{plain(each.kind)}"
        if not each.file:
            return [f"{target(each.id)}\n**{each.id}**", test, "not in this file", plain(each.limits)]
        lines = [self._figure(each.file, row) for row in each.figures]
        lines += [self._held(each.file, row) for row in each.holds]
        source = self._book.cited("file", each.file)
        return [f"{target(each.id)}\n**{each.id}**", test, "\n\n".join([*lines, f"Evidence: {source}"]), plain(each.limits)]

    def _figure(self, file: str, row: str) -> str:
        words, _, pointer = row.partition(": ")
        return f"{plain(words)}: {self._book.figure(file, pointer)}"

    def _held(self, file: str, row: str) -> str:
        """Return a condition with what stands in the evidence; one that does not hold is printed as failed, and nothing is left out."""
        words, _, rest = row.partition(": ")
        pointer, _, expected = rest.partition(" = ")
        observed = str(self._book.value(file, pointer))
        shown = self._book.cited("none" if observed == "[]" else observed, file, pointer)
        return (
            f"{plain(words)}: {shown}"
            if observed == expected
            else f'{plain(words)}: {shown} <span class="failed">expected {plain(expected)}</span>'
        )

    def anomalies(self) -> str:
        """Return the security view of the anomalies that are still in this version (FDA V.A.5)."""
        rows = [
            [link(each.id), plain(each.title), plain(str(each.state)), " ".join([plain(each.security), *each.cwe])]
            for each in self._anomalies
            if str(each.state) in UNRESOLVED
        ]
        if not rows:
            return "No anomaly is open or assessed and unresolved in this version."
        return table(["Anomaly", "What is wrong", "State", "Security"], rows, widths=[12, 36, 12, 40])

    def open_threats(self) -> str:
        """Return the threats that a gap stands against, in one line each."""
        return "\n".join(f"- {link(each.id)} {plain(each.text)} {links(each.gaps)}" for each in self._model.threats if each.gaps)


def _held(row: Mapping[str, Any]) -> str:
    return plain(row["held"]) + (f"\n\n{links(row['gaps'])}" if row["gaps"] else "")
