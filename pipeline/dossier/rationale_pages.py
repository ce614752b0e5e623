"""Why the detector is the one it is: the families compared with it, and what weights of another training would bring.

Both are dated studies. One that was not run is named as such, with the command that runs it; a trial on a share of the films or of the epochs is called one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.evidence import escaped
from pipeline.dossier.metric_text import metric_text
from pipeline.dossier.tables import plain, table

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook
    from pipeline.dossier.figures import FigureShelf

COMPARISON = "evidence/compare/comparison.json"
TRANSFER = "evidence/transfer/transfer.json"
FIGURES = {"ap50": "AP50", "ar100": "AR100", "cpm": "CPM", "d_ece": "D-ECE"}
PICTURES = {
    "differences": "Difference of each family from the present one, paired by patient.",
    "froc": "FROC of each family, mean over the findings.",
    "cost": "AP50 against latency; the area of a mark is the size of the bundle.",
    "learning": "Validation AP50 by epoch: a curve that still rises belongs to a family that the budget was too short for.",
}
TRANSFER_FIGURES = {"ap30": "AP at IoU 0.3", "ap50": "AP at IoU 0.5", "cpm": "CPM"}


class RationalePages:
    """Tables of the two studies."""

    def __init__(self, book: EvidenceBook, shelf: FigureShelf) -> None:
        """Keep the book and the shelf of pictures."""
        self._book = book
        self._shelf = shelf

    def families(self) -> str:
        """Return the choice, the rule behind it, every family with its figures, and the pictures."""
        if not self._book.has(COMPARISON):
            return "No comparison of detector families is in this version. `./qms compare --keep evidence/compare` makes it."
        value, figure = self._book.value, self._book.figure
        chosen = self._book.cited(str(value(COMPARISON, "/choice/family") or "none"), COMPARISON, "/choice/family")
        what = f"{figure(COMPARISON, '/date')}; {plain(value(COMPARISON, '/films_are'))}. {self._trial()}"
        parts = [
            f"{what}Chosen: {chosen}; {plain(value(COMPARISON, '/choice/reason'))}. The rule was stated before:",
            plain(value(COMPARISON, "/rule").replace("\n", " ")),
            self._trained_with(),
            self._left_out(),
            self._table(),
            *(
                self._shelf.picture(f"evidence/compare/{stem}.png", text)
                for stem, text in PICTURES.items()
                if self._is_drawn(stem)
            ),
        ]
        return "\n\n".join(part for part in parts if part)

    def _trained_with(self) -> str:
        """Say with what each family was trained: the canonical run has other figures where it has other films, epochs or rates by now."""
        figure = self._book.figure
        return (
            f"Every family was trained on {figure(COMPARISON, '/films/train')} films for at most {figure(COMPARISON, '/epochs')} epochs, each at the rate that a "
            "search gave it. There is one training of each: how much two trainings of one family differ is in no interval. That of a calibration error lies "
            "high and may not hold its own figure, because resampling adds to a sum of absolute values. Where the canonical run has other films or parameters "
            "by now, its figures are others; here the families are compared with each other."
        )

    def _left_out(self) -> str:
        """Name the families that were not asked for, so that nobody takes the table for all there are."""
        names = self._book.value(COMPARISON, "/not_compared")
        return f"Not compared: {self._book.cited(', '.join(names), COMPARISON, '/not_compared')}." if names else ""

    def _is_drawn(self, stem: str) -> bool:
        return self._book.has(f"evidence/compare/{stem}.png")

    def _trial(self) -> str:
        whole = self._book.value(COMPARISON, "/share") == 1 and (
            self._book.value(COMPARISON, "/epochs") == self._book.value(COMPARISON, "/train/epochs")
        )
        return (
            ""
            if whole
            else "**A trial of the tool on part of the films or epochs; its figures say nothing about the families.** "
        )

    def _table(self) -> str:
        rows = []
        for name in self._book.value(COMPARISON, "/families"):
            place = f"/families/{escaped(name)}"
            rows.append(
                [
                    plain(name),
                    *(self._metric(COMPARISON, f"{place}/figures/{figure}/macro") for figure in FIGURES),
                    self._scaled(f"{place}/size/bundle_bytes", 1e-6, ".1f"),
                    self._scaled(f"{place}/latency/p95_s", 1.0, ".2f"),
                    plain("; ".join(self._book.value(COMPARISON, f"{place}/objections"))),
                ]
            )
        empty = [""] * (len(FIGURES) + 2)
        rows += [[plain(name), *empty, "its trial failed"] for name in self._book.value(COMPARISON, "/failed")]
        header = ["Family", *FIGURES.values(), "Bundle, MB", "Seconds a film, 95 %", "Not admissible because"]
        return table(header, rows, widths=[16, 13, 13, 13, 13, 8, 10, 14])

    def _scaled(self, pointer: str, scale: float, form: str) -> str:
        value = self._book.value(COMPARISON, pointer)
        return "unknown" if value is None else self._book.cited(format(value * scale, form), COMPARISON, pointer)

    def _metric(self, path: str, pointer: str) -> str:
        return metric_text(self._book, path, pointer)

    def transfer(self) -> str:
        """Return what a backbone that learned on the phantom brings on real films: each arm, and its difference from scratch."""
        if not self._book.has(TRANSFER):
            return "The study of transfer is not in this version. `python -m tests.benchmarks.transfer --work artifacts/transfer --out evidence/transfer` makes it."
        value, figure = self._book.value, self._book.figure
        finding = value(TRANSFER, "/finding")
        rows = []
        for arm in value(TRANSFER, "/figures"):
            for part, said in (("figures", arm), ("differences_from_scratch", f"{arm} minus scratch")):
                if arm in value(TRANSFER, f"/{part}"):
                    rows.append(
                        [plain(said), *(self._metric(TRANSFER, f"/{part}/{arm}/{name}/{finding}") for name in TRANSFER_FIGURES)]
                    )
        head = (
            f"{figure(TRANSFER, '/date')}, {figure(TRANSFER, '/films')} films of {figure(TRANSFER, '/patients')} patients with {figure(TRANSFER, '/boxes')} boxes: "
            f"{plain(value(TRANSFER, '/films_are'))}. Every film was judged by networks that never saw its patient ({figure(TRANSFER, '/folds')} folds)."
        )
        meant = (
            "scratch begins with random weights, transfer with the backbone of the phantom run; frozen does so too, keeps its stem and first stage as they "
            f"were, and trains the rest of it at {figure(TRANSFER, '/arms/frozen/rate')} of the rate, so two things differ at once. The rate itself, "
            f"{figure(TRANSFER, '/train/learning_rate')}, is that of the canonical run and was searched for no arm. Scored are the networks alone, without the "
            "checks and cut-offs of the device. There is one training for each fold and arm: how much two trainings differ is in no interval, and the "
            "differences are not corrected for being several. Where an interval of a difference holds 0, none was shown."
        )
        picture = self._shelf.picture(
            "evidence/transfer/transfer.png", "Each arm, and its difference from training from scratch."
        )
        return "\n\n".join([head, meant, table(["Arm", *TRANSFER_FIGURES.values()], rows, widths=[31, 23, 23, 23]), picture])
