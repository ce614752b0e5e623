"""What the finished device achieved on the test films, read from the validation record; undefined figures are printed with their reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.dossier.evidence import escaped
from pipeline.dossier.metric_text import interval_text, metric_text
from pipeline.dossier.tables import link, plain, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.dossier.evidence import EvidenceBook

RECORD = "artifacts/validation/validation.json"


class ValidationPages:
    """Tables of one validation record."""

    def __init__(self, book: EvidenceBook, names: Mapping[str, str]) -> None:
        """Keep the book and the display name of each finding."""
        self._book = book
        self._names = names
        self._findings: list[str] = book.value(RECORD, "/findings")

    def metric(self, pointer: str) -> str:
        """Return a figure with its interval, or why it is undefined."""
        return metric_text(self._book, RECORD, pointer)

    def films_are(self) -> str:
        """Return what kind of films the figures rest on, in the words of the protocol."""
        return str(self._book.value(RECORD, "/films_are"))

    def statement(self) -> str:
        """Return what the figures claim, in the words of the protocol."""
        return str(self._book.value(RECORD, "/statement"))

    def leakage(self) -> str:
        """Return the patients found in more than one split, or that there is none."""
        found = self._book.value(RECORD, "/leakage")
        return self._book.cited("; ".join(map(str, found)) or "none", RECORD, "/leakage")

    def endpoints(self) -> str:
        """Return the protocol's endpoints as judged."""
        rows = [self._endpoint(index, row) for index, row in enumerate(self._book.value(RECORD, "/endpoints"))]
        return table(["Endpoint", "Figure", "Goal", "Outcome", "Evidence for"], rows, widths=[34, 24, 14, 16, 12])

    def _endpoint(self, index: int, row: dict[str, Any]) -> list[str]:
        place = f"/endpoints/{index}"
        value = "undefined" if row["value"] is None else f"{row['value']:.3f}"
        goal = f"{row['direction'].replace('-', ' ')} {row['threshold']} ({row['bound']})"
        outcome = "met" if row["passed"] else "not met"
        return [
            f"**{plain(row['title'])}**\n\n{'primary' if row['primary'] else 'secondary'}",
            self._book.cited(value + interval_text(row["interval"]), RECORD, f"{place}/value"),
            self._book.cited(goal, RECORD, f"{place}/threshold"),
            self._book.cited(outcome, RECORD, f"{place}/passed") + (f"\n\n{plain(row['reason'])}" if row["reason"] else ""),
            link(row["requirement"]),
        ]

    def _rows(self) -> list[tuple[str, str]]:
        return [(finding, self._names.get(finding, finding)) for finding in self._findings] + [("macro", "**macro mean**")]

    def detection(self) -> str:
        """Return AP for each finding beside the trivial detector."""
        rows = [
            [
                name,
                self.metric(f"/figures/ap50/{finding}"),
                self.metric(f"/figures_trivial/ap50/{finding}"),
                self.metric(f"/figures_above_trivial/ap50_above_trivial/{finding}"),
                self.metric(f"/figures_refusals_missed/ap50/{finding}"),
            ]
            for finding, name in self._rows()
        ]
        return table(
            ["Finding", "AP50", "AP50, trivial detector", "Difference", "AP50, refused films as misses"],
            rows,
            widths=[28, 18, 18, 18, 18],
        )

    def localisation(self) -> str:
        """Return how AP changes with the overlap that counts as a hit."""
        return self._figures({"AP30": "ap30", "AP40": "ap40", "AP50": "ap50", "AP75": "ap75", "AP50:95": "ap50_95"})

    def recall(self) -> str:
        """Return the average recall with the best 1, 10 and 100 marks of each film."""
        return self._figures({"AR1": "ar1", "AR10": "ar10", "AR100": "ar100"})

    def _figures(self, figures: Mapping[str, str]) -> str:
        rows = [[name, *(self.metric(f"/figures/{key}/{finding}") for key in figures.values())] for finding, name in self._rows()]
        return table(["Finding", *figures], rows, widths=[25, *[75 // len(figures)] * len(figures)])

    def operating_point(self) -> str:
        """Return what a reader would see at the bundle's thresholds, counted in boxes and in pairs of film and finding."""
        rows = [
            [name, self._threshold(finding), *self._at(f"/operating_point/per_finding/{finding}")]
            for finding, name in self._rows()[:-1]
        ]
        pooled = ["**all findings**", "", *self._at("/operating_point/all_findings")]
        header = ["Finding", "Threshold", "Sensitivity", "Refused films as misses", "Specificity", "False marks per film"]
        return table(header, [*rows, pooled], widths=[24, 10, 17, 17, 17, 15])

    def film_level(self) -> str:
        """Return the same counted in films, with the counts: films with the finding that were hit, films without it that stayed clean, and normal films."""
        rows = [
            self._of_films(name, f"/operating_point/per_finding/{finding}", "specificity") for finding, name in self._rows()[:-1]
        ]
        pooled = self._of_films("**all findings**", "/operating_point/all_findings", "film_specificity")
        header = [
            "Finding",
            "Films with it: at least one hit",
            "Films without it: no mark",
            "False marks on normal films, per film",
        ]
        return table(header, [*rows, pooled], widths=[25, 25, 25, 25])

    def _of_films(self, name: str, place: str, specificity: str) -> list[str]:
        figures = ("film_sensitivity", specificity, "false_positives_per_normal_film")
        return [name, *(self._counted(f"{place}/{figure}") for figure in figures)]

    def _counted(self, pointer: str) -> str:
        """Return a ratio with the counts it is formed from."""
        found: dict[str, Any] = self._book.value(RECORD, pointer)
        if found["value"] is None:
            return self.metric(pointer)
        return f"{self.metric(pointer)}\n\n{found['numerator']} of {found['denominator']}"

    def _threshold(self, finding: str) -> str:
        return self._book.figure(RECORD, f"/operating_point/per_finding/{finding}/threshold", ".3f")

    def _at(self, place: str) -> list[str]:
        return [
            self.metric(f"{place}/{name}")
            for name in ("sensitivity", "sensitivity_refusals_missed", "specificity", "false_positives_per_film")
        ]

    def froc(self) -> str:
        """Return sensitivity at fixed rates of false marks and their mean, the CPM, per finding, as mean over them and for all marks in one list."""
        place = "sensitivity_at_false_positives_per_film"
        rates = list(self._book.value(RECORD, f"/froc/{self._findings[0]}/{place}"))
        rows = [
            [
                name,
                *(self._stacked(f"/froc/{finding}/{place}/{escaped(rate)}") for rate in rates),
                self._stacked(f"/froc/{finding}/cpm"),
            ]
            for finding, name in [*self._rows(), ("all_findings", "**all marks in one list**")]
        ]
        return table(["Finding", *rates, "CPM"], rows, widths=[20, *[80 // (len(rates) + 1)] * (len(rates) + 1)])

    def _stacked(self, pointer: str) -> str:
        """Return a figure with its interval below it in two digits, for narrow columns."""
        found: dict[str, Any] = self._book.value(RECORD, pointer)
        if found["value"] is None or not found.get("interval"):
            return self.metric(pointer)
        cited = self._book.cited(f"{found['value']:.3f}", RECORD, f"{pointer}/value")
        return f"{cited}\n\n{found['interval']['low']:.2f}-{found['interval']['high']:.2f}"

    def confusion(self) -> str:
        """Return what was marked where each truth box lies; columns carry the rows' numbers."""
        numbers = {finding: str(index + 1) for index, finding in enumerate(self._findings)}
        columns = [*self._findings, "missed"]
        rows = [
            [
                f"{numbers[truth]} {self._names.get(truth, truth)}",
                *(self._book.figure(RECORD, f"/confusion/rows/{truth}/{mark}") for mark in columns),
            ]
            for truth in self._findings
        ]
        nothing = [
            "nothing there",
            *(self._book.figure(RECORD, f"/confusion/nothing_there/{mark}") for mark in self._findings),
            "",
        ]
        return table(
            ["Truth / marked as", *(numbers[f] for f in self._findings), "missed"],
            [*rows, nothing],
            widths=[36, *[8] * len(columns)],
        )

    def severity(self) -> str:
        """Return AP50 by tercile of severity."""
        rows = []
        for finding in self._findings:
            found = self._book.value(RECORD, f"/severity/{finding}")
            if "not_evaluated" in found:
                rows.append([self._names.get(finding, finding), f"not evaluated: {plain(found['not_evaluated'])}", "", ""])
                continue
            cells = [self._tercile(f"/severity/{finding}/terciles/{index}") for index in range(3)]
            rows.append([self._names.get(finding, finding), *cells])
        return table(["Finding", "Mildest third", "Middle third", "Severest third"], rows, widths=[28, 24, 24, 24])

    def _tercile(self, place: str) -> str:
        films = self._book.figure(RECORD, f"{place}/films")
        return f"{self.metric(f'{place}/ap50')}\n\n{films} films, mean severity {self._book.figure(RECORD, f'{place}/mean_severity', '.2f')}"

    def subgroups(self) -> str:
        """Return sensitivity, its difference from the rest of the stratum, and AP50; parts that are too small are listed as not evaluated."""
        rows = []
        for stratum, values in self._book.value(RECORD, "/subgroups/strata").items():
            rows += [self._subgroup(stratum, value, part) for value, part in values.items()]
        return table(
            ["Stratum", "Patients", "Sensitivity", "Difference from the rest", "AP50 macro"], rows, widths=[22, 10, 22, 24, 22]
        )

    def _subgroup(self, stratum: str, value: str, part: dict[str, Any]) -> list[str]:
        place = f"/subgroups/strata/{escaped(stratum)}/{escaped(value)}"
        head = [f"{plain(stratum.replace('_', ' '))}: {plain(value)}", self._book.figure(RECORD, f"{place}/patients")]
        if "not_evaluated" in part:
            return [*head, f"not evaluated: {plain(part['not_evaluated'])}", "", ""]
        difference = self._difference(f"{place}/difference", part.get("difference"))
        return [*head, self.metric(f"{place}/sensitivity"), difference, self.metric(f"{place}/figures/ap50.macro")]

    def _difference(self, place: str, row: dict[str, Any] | None) -> str:
        """Return a part's difference with its corrected p value, or why it was not compared."""
        if row is None:
            return "the only part"
        if "not_compared" in row:
            return f"not compared: {plain(row['not_compared'])}"
        if row["p_corrected"] is None:
            return self.metric(place)
        verdict = "**a limitation**" if row["limitation"] else "significant" if row["significant"] else "not significant"
        return f"{self.metric(place)}\n\np {self._book.figure(RECORD, f'{place}/p_corrected', '.3f')}, {verdict}"

    def locked_plan(self) -> str:
        """Return what asks for how many studies of the locked cohort, and how many are planned."""
        needs = self._book.value(RECORD, "/locked_cohort/needs")
        rows = [
            [plain(need["what"]), self._book.figure(RECORD, f"/locked_cohort/needs/{index}/studies"), plain(need["because"])]
            for index, need in enumerate(needs)
        ]
        rows.append(["**planned**", self._book.figure(RECORD, "/locked_cohort/planned"), "validation/protocol.toml"])
        return table(["What asks", "Studies", "Because"], rows, widths=[22, 12, 66])

    def limitations(self) -> str:
        """Return the parts whose difference is significant after correction and larger than the protocol's gap, or that there is none."""
        found = self._book.value(RECORD, "/subgroups/limitations")
        return self._book.cited("; ".join(map(str, found)) or "none", RECORD, "/subgroups/limitations")

    def films(self) -> str:
        """Return how many films were tested, scored, refused and left out."""
        rows = [[label, self._book.figure(RECORD, f"/films/{key}")] for label, key in _FILM_COUNTS.items()]
        rows.append(["films refused by the device", self._book.figure(RECORD, "/refused/films")])
        rows += [
            [f"refused with {plain(code)}", self._book.figure(RECORD, f"/refused/codes/{escaped(code)}")]
            for code in self._book.value(RECORD, "/refused/codes")
        ]
        for index, row in enumerate(self._book.value(RECORD, "/exclusions")):
            rows.append(
                [
                    f"left out for {self._names.get(row['finding'], row['finding'])}: {plain(row['reason'])}",
                    self._book.figure(RECORD, f"/exclusions/{index}/films"),
                ]
            )
        return table(["Films", "n"], rows, widths=[75, 25])

    def trivial(self) -> str:
        """Return the trivial detector: one box a finding, from the training films alone."""
        rows = []
        for finding in self._findings:
            place = f"/trivial_detector/{finding}"
            box = self._book.value(RECORD, f"{place}/box")
            shown = ", ".join(f"{edge:.3f}" for edge in box)
            rows.append(
                [
                    self._names.get(finding, finding),
                    self._book.cited(shown, RECORD, f"{place}/box"),
                    self._book.figure(RECORD, f"{place}/prevalence", ".3f"),
                    self._book.figure(RECORD, f"{place}/boxes"),
                ]
            )
        return table(
            ["Finding", "Mean box (fractions of the film)", "Share of training films", "Boxes"], rows, widths=[32, 36, 18, 14]
        )


_FILM_COUNTS = {
    "test films": "test",
    "scored": "scored",
    "patients of scored films": "scored_patients",
    "analysed by the device": "analysed",
}
