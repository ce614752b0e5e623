"""Dated studies of the finished device beyond the validation record: what each asked, what it was held to, what came out, on how many films, by which bundle.

A study that was not run is named as such; one of another bundle than the file describes says so in its first line. Figures come from the records alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.dossier.evidence import escaped
from pipeline.dossier.examined_bundle import examined_bundle
from pipeline.dossier.freshness import PREDICTIONS
from pipeline.dossier.metric_text import interval_text, metric_text
from pipeline.dossier.tables import plain, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.dossier.evidence import EvidenceBook
    from pipeline.dossier.figures import FigureShelf

FOLDER = "evidence/studies"
CUT_OFFS = "artifacts/cut_offs/cut_offs.json"
RANDOMISED = "evidence/explanation/study.json"
PICTURES = {
    "robustness": (("heat_map", "AP at IoU 0.5 of spoilt films over that of the films as they are, with refusals."),),
    "calibration": (("reliability", "Share of right boxes against mean score, before and after calibration."),),
    "conformal": (("promises", "Share of true boxes missed, promised and realised, with the middle 95 % of the splits."),),
    "subgroups": (
        ("forest", "Sensitivity and AP at IoU 0.5 by subgroup, with intervals and n."),
        ("severity", "AP at IoU 0.5 by third of severity."),
    ),
    "explanation": (
        ("deletion_insertion", "Score of a mark as places are blurred in the order of its map, beside a drawn order."),
    ),
}
"""Study -> (file stem, caption) of its pictures."""


class StudyPages:
    """Sections of the studies' records."""

    def __init__(self, book: EvidenceBook, shelf: FigureShelf, names: Mapping[str, str]) -> None:
        """Keep the book, the shelf of pictures and the display name of each finding."""
        self._book = book
        self._shelf = shelf
        self._names = names
        self._more = {
            "robustness": self._corruptions,
            "calibration": self._errors,
            "conformal": self._promises,
            "subgroups": self._limitations,
            "carried_over": lambda _: "",
            "explanation": self._lesions,
            "leakage": self._copies,
            "label_noise": self._suspicious,
        }

    def section(self, name: str) -> str:
        """Return a study's question, subject, goals, pictures and figures, or that it was not run; ``real_films/NAME`` is one on real films."""
        path, kind = _record(name), name.rsplit("/", 1)[-1]
        if not self._book.has(path):
            return f"This study is not in this version. `./qms study {kind}` runs it."
        pictures = [self._shelf.picture(f"{FOLDER}/{name}/{stem}.png", text) for stem, text in PICTURES.get(kind, ())]
        parts = [
            plain(self._book.value(path, "/question")),
            self._subject(path),
            self._goals(path),
            *pictures,
            self._more[kind](path),
        ]
        return "\n\n".join(part for part in parts if part)

    def _subject(self, path: str) -> str:
        figure, bundle = self._book.figure, examined_bundle(self._book, path, "/device/bundle_sha256")
        return (
            f"{figure(path, '/date')}: {figure(path, '/films')} films of {figure(path, '/patients')} patients, of {figure(path, '/films_available')} that were at hand; "
            f"{plain(self._book.value(path, '/films_are'))}. {bundle[0].upper()}{bundle[1:]}. "
            f"`{self._book.value(path, '/command')}`"
        )

    def _goals(self, path: str) -> str:
        rows = []
        for index, goal in enumerate(self._book.value(path, "/goals")):
            place = f"/goals/{index}"
            between = goal["interval"]
            value = (
                "undefined"
                if goal["value"] is None
                else f"{goal['value']:.3f}"
                if between or goal["value"] % 1
                else f"{goal['value']:.0f}"
            )
            text = value + interval_text(between)
            rows.append(
                [
                    plain(goal["title"]),
                    self._book.cited(text, path, f"{place}/value"),
                    "" if goal["n"] is None else self._book.figure(path, f"{place}/n"),
                    self._book.cited(f"{goal['direction'].replace('-', ' ')} {goal['threshold']:g}", path, f"{place}/threshold"),
                    self._book.cited("met" if goal["passed"] else "not met", path, f"{place}/passed")
                    + (f"\n\n{plain(goal['reason'])}" if goal["reason"] else ""),
                ]
            )
        return table(["Stated beforehand", "Figure", "n", "Goal", "Outcome"], rows, widths=[40, 22, 8, 14, 16])

    def _metric(self, path: str, pointer: str) -> str:
        return metric_text(self._book, path, pointer)

    def _name(self, finding: str) -> str:
        return {"all": "**all findings**", "all_findings": "**all findings**"}.get(finding, self._names.get(finding, finding))

    def _corruptions(self, path: str) -> str:
        rows = []
        for name in self._book.value(path, "/corruptions"):
            place = f"/per_corruption/{escaped(name)}"
            low = self._book.value(path, f"{place}/first_grade_below_goal")
            rows.append(
                [
                    name,
                    self._book.figure(path, f"{place}/mean_relative_ap50", ".3f"),
                    self._book.figure(path, f"{place}/mean_relative_sensitivity", ".3f"),
                    "none" if low is None else self._book.figure(path, f"{place}/first_grade_below_goal"),
                    self._book.figure(path, f"{place}/refused"),
                ]
            )
        shown = table(
            ["The film is spoilt by", "Mean relative AP50", "Mean relative sensitivity", "First grade below the goal", "Refused"],
            rows,
            widths=[28, 18, 20, 20, 14],
        )
        pooled = self._metric(path, "/mean_relative_sensitivity")
        return f"Sensitivity over all findings at the bundle's operating points, relative to that of the films as they are, mean over all: {pooled}.\n\n{shown}"

    def _errors(self, path: str) -> str:
        rows = [["**all findings**", *(self._metric(path, f"/{when}/all") for when in ("before", "after"))]]
        rows += [
            [self._name(finding), *(self._metric(path, f"/{when}/per_finding/{finding}") for when in ("before", "after"))]
            for finding in self._book.value(path, "/after/per_finding")
        ]
        return table(["D-ECE", "Network's own scores", "Scores of the device"], rows, widths=[40, 30, 30])

    def _promises(self, path: str) -> str:
        alphas = self._book.value(path, "/alphas")
        rows = []
        for finding, promised in self._book.value(path, "/promises").items():
            cells = [self._promise(path, f"/promises/{finding}/{n}", promised[n]) for n in range(len(alphas))]
            rows.append([self._name(finding), *cells])
        header = ["Realised miss rate", *(f"promised {alpha:g}" for alpha in alphas)]
        return table(header, rows, widths=[28, *[24] * len(alphas)])

    def _promise(self, path: str, place: str, found: dict[str, Any]) -> str:
        text = self._metric(path, f"{place}/realised")
        if found["realised"]["value"] is None:
            return text
        if found["promise_impossible"]:
            times = self._book.figure(path, f"{place}/promise_impossible")
            return f"{text}\n\ncannot be promised in {times} of {self._book.figure(path, f'{place}/splits')} splits"
        return f"{text}\n\nat {self._book.figure(path, f'{place}/false_marks_per_film', '.2f')} false marks a film"

    def _limitations(self, path: str) -> str:
        found = self._book.value(path, "/subgroups/limitations")
        named = self._book.cited("; ".join(map(str, found)) or "none", path, "/subgroups/limitations")
        return f"Limitations: {named}, of {self._book.figure(path, '/subgroups/comparisons')} comparisons corrected by the rule of {self._book.figure(path, '/subgroups/multiplicity')}."

    def _lesions(self, path: str) -> str:
        rows = []
        methods = list(self._book.value(path, "/methods"))
        for finding in self._book.value(path, "/per_finding"):
            place = f"/per_finding/{finding}"
            for method in methods:
                cells = [
                    self._book.figure(path, f"{place}/{method}/{key}", ".2f")
                    for key in ("pointing", "energy", "deletion_gain", "insertion_gain")
                ]
                rows.append([self._name(finding), self._book.figure(path, f"{place}/marks"), method, *cells])
        header = ["Finding", "Marks", "Method", "Maximum in the box", "Energy over area", "Deletion gain", "Insertion gain"]
        return table(header, rows, widths=[26, 8, 16, 13, 13, 12, 12])

    def randomised(self) -> str:
        """Return what was stated of the maps when the network's weights are made random, and what was seen."""
        if not self._book.has(RANDOMISED):
            return "The study of randomised weights is not in this version."
        rows = [
            [
                plain(row["statement"]),
                self._book.figure(RANDOMISED, f"/statements/{index}/observed"),
                self._book.cited("met" if row["holds"] else "not met", RANDOMISED, f"/statements/{index}/holds"),
            ]
            for index, row in enumerate(self._book.value(RANDOMISED, "/statements"))
        ]
        date, films, marks = (self._book.figure(RANDOMISED, f"/{key}") for key in ("date", "films", "marks"))
        return f"{date}, {films} films, {marks} marks, {examined_bundle(self._book, RANDOMISED)}:\n\n{table(['Stated beforehand', 'Observed', 'Outcome'], rows, widths=[60, 20, 20])}"

    def _copies(self, path: str) -> str:
        rows = [
            [
                plain(way),
                *(self._book.figure(path, f"/planted/{escaped(way)}/{key}") for key in ("copies", "found", "taken_for_another")),
            ]
            for way in self._book.value(path, "/planted")
        ]
        return table(["The copy was", "Planted", "Found", "Taken for another film"], rows, widths=[40, 20, 20, 20])

    def _suspicious(self, path: str) -> str:
        rows = []
        for index, row in enumerate(self._book.value(path, "/most_suspicious")[:10]):
            place = f"/most_suspicious/{index}"
            says = f"{row['boxes']} box(es)" if row["boxes"] else "absent"
            rows.append(
                [
                    plain(row["film"]),
                    self._name(row["finding"]),
                    says,
                    *(self._book.figure(path, f"{place}/{key}", ".2f") for key in ("best_mark", "suspicion")),
                ]
            )
        shown = table(["Film", "Finding", "Label", "Best mark", "Suspicion"], rows, widths=[18, 38, 14, 14, 16])
        return f"The labels that the device contradicts most; on the phantom, whose truth is exact, each is an error of the device.\n\n{shown}"

    def cut_offs(self) -> str:
        """Return how this version compares with the one in use, at the old cut-offs and at its own."""
        if not self._book.has(CUT_OFFS):
            return "No comparison lies here: `./qms demo` makes it."
        if self._book.value(CUT_OFFS, "/bundle_sha256") != self._book.value(PREDICTIONS, "/bundle_sha256"):
            return "The comparison that lies here is not of the bundle that this file describes: `./qms demo` makes another."
        if self._book.value(CUT_OFFS, "/predecessor") is None:
            return "This is the first version of this registry; there is no version in use to be compared with. Its cut-offs name the weights and the calibration that they were chosen for."
        rows = []
        for finding in self._book.value(CUT_OFFS, "/rows"):
            place = f"/rows/{finding}"
            row = self._book.value(CUT_OFFS, place)
            cut_offs = (
                ""
                if row["old_cut_off"] is None
                else " / ".join(self._book.figure(CUT_OFFS, f"{place}/{key}", ".3f") for key in ("old_cut_off", "new_cut_off"))
            )
            rates = [self._metric(CUT_OFFS, f"{place}/sensitivity/{escaped(who)}") for who in row["sensitivity"]]
            rows.append([self._name(finding), cut_offs, *rates, self._metric(CUT_OFFS, f"{place}/sensitivity_shipped_minus_old")])
        header = ["Sensitivity", "Cut-off, old / new", "old", "new at the old cut-off", "new at its own", "ships minus old"]
        verdict = self._book.cited("holds" if self._book.value(CUT_OFFS, "/passed") else "does not hold", CUT_OFFS, "/passed")
        return f"The comparison {verdict}.\n\n{table(header, rows, widths=[24, 16, 14, 15, 15, 16])}"


def _record(name: str) -> str:
    return f"{FOLDER}/{name}/study.json"
