"""What was seen on real films: the same pipeline trained on them, beside a public detector and beside how well experts agree; and the phantom's device on films without a finding.

All are dated studies on public, retrospective films, and no claim rests on them. One that was not run is named as such, with its command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.evidence import escaped
from pipeline.dossier.examined_bundle import examined_bundle
from pipeline.dossier.metric_text import metric_text
from pipeline.dossier.tables import plain, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.dossier.evidence import EvidenceBook

FOLDER = "evidence/real_films"
RUN, COMPARISON, AGREEMENT, NORMALS = (
    f"{FOLDER}/{name}.json" for name in ("coco_quick", "compare/comparison", "agreement", "normals")
)
COMMANDS: Mapping[str, str] = {
    RUN: "./qms pipeline --profile coco --budget quick --data DIR",
    COMPARISON: "./qms compare --run artifacts/runs/coco-quick --families faster_rcnn_small,faster_rcnn_mobilenet --keep evidence/real_films/compare",
    AGREEMENT: "python -m tests.benchmarks.expert_agreement --out evidence/real_films/agreement.json",
    NORMALS: "python -m tests.benchmarks.real_normals --bundle BUNDLE --out evidence/real_films/normals.json",
}
FIGURES = {"ap30": "AP at IoU 0.3", "ap50": "AP at IoU 0.5", "cpm": "CPM"}
COUNTED = {
    "films_without_a_mark": "films without a mark, share",
    "marks_a_film": "marks a film",
    "marks_a_film_of_findings_stated_absent": "marks a film, of findings whose absence was stated",
    "films_cautioned_as_unlike": "films cautioned as unlike those of training, share",
}
VIEWS = ("AP", "PA")


class RealFilmPages:
    """Tables of the studies on real films."""

    def __init__(self, book: EvidenceBook, names: Mapping[str, str]) -> None:
        """Keep the book and the display name of each finding."""
        self._book = book
        self._names = names

    def performance(self) -> str:
        """Return what the pipeline reaches when it is trained and tested on real films, in all and by view."""
        if not self._book.has(RUN):
            return _not_run(RUN)
        figure = self._book.figure
        rows = [["all analysed films", *(self._metric(RUN, f"/validation/figures/{name}/macro") for name in FIGURES)]]
        for view in VIEWS:
            place = f"/subgroups/strata/view/{view}/figures"
            cells = [self._metric(RUN, f"{place}/{escaped(f'{name}.macro')}") for name in ("ap30", "ap50")]
            rows.append([f"view {view}", *cells, "not computed by view"])
        counted, device = "/validation/films", "/validation/device"
        away = "; ".join(
            f"{figure(RUN, f'/validation/exclusions/{index}/films')}: {plain(each['reason'])}"
            for index, each in enumerate(self._book.value(RUN, "/validation/exclusions"))
        )
        head = (
            f"{figure(RUN, '/date')}: {plain(self._book.value(RUN, '/validation/films_are'))}. One configuration, chosen without the test films; "
            f"{figure(RUN, f'{counted}/scored')} of {figure(RUN, f'{counted}/test')} test films can be scored (not the others; {away}). Device "
            f"{figure(RUN, f'{device}/device_version')} analysed {figure(RUN, f'{counted}/analysed')} of them and refused {figure(RUN, '/validation/refused/films')}, "
            "which are in no row below. "
            f"In the words of the protocol: {plain(self._book.value(RUN, '/validation/statement'))}."
        )
        return f"{head}\n\n{table(['Lung field infiltration', *FIGURES.values()], rows, widths=[28, 24, 24, 24])}"

    def beside_a_public_detector(self) -> str:
        """Return the families trained on the same real films with the same budget, each with its figures."""
        if not self._book.has(COMPARISON):
            return _not_run(COMPARISON)
        rows = [
            [plain(name), *(self._metric(COMPARISON, f"/families/{escaped(name)}/figures/{figure}/macro") for figure in FIGURES)]
            for name in self._book.value(COMPARISON, "/families")
        ]
        head = f"{self._book.figure(COMPARISON, '/date')}: families trained on the same real films, {self._book.figure(COMPARISON, '/epochs')} epochs each, the learning rate of each searched on the validation films, judged on the same test films by device {self._book.figure(COMPARISON, '/device_version')}; a film that it refused counts as one without marks. So a family may stand here with other figures than above. All of them are shown, and none was chosen by what the test films say."
        return f"{head}\n\n{table(['Family', *FIGURES.values()], rows, widths=[28, 24, 24, 24])}"

    def agreement(self) -> str:
        """Return how well two teams of radiologists agree on the same films."""
        if not self._book.has(AGREEMENT):
            return _not_run(AGREEMENT)
        figure, value = self._book.figure, self._book.value
        rows = [
            [plain(f"{team}: {value(AGREEMENT, f'/teams/{team}')}"), figure(AGREEMENT, f"/boxes/{team}")]
            + [self._metric(AGREEMENT, f"/matched/{iou}/{team}") for iou in ("iou30", "iou50")]
            for team in value(AGREEMENT, "/teams")
        ]
        head = f"On {figure(AGREEMENT, '/films')} films on which both drew, {figure(AGREEMENT, '/patients')} patients:"
        header = ["Team", "Boxes", "with a partner at IoU 0.3", "with a partner at IoU 0.5"]
        return f"{head}\n\n{table(header, rows, widths=[34, 10, 28, 28])}"

    def normals(self) -> str:
        """Return how many marks the phantom-trained device sets on real films that a radiologist called normal."""
        if not self._book.has(NORMALS):
            return _not_run(NORMALS)
        figure, value = self._book.figure, self._book.value
        rows = [[said, self._metric(NORMALS, f"/{name}")] for name, said in COUNTED.items()]
        rows += [[f"marks a film, view {view}", self._metric(NORMALS, f"/marks_a_film_by_view/{view}")] for view in VIEWS]
        rows += [
            [f"marks a film, {self._names.get(finding, finding)}", self._metric(NORMALS, f"/marks_a_film_by_finding/{finding}")]
            for finding in value(NORMALS, "/marks_a_film_by_finding")
        ]
        refused = "; ".join(f"{code}: {count}" for code, count in value(NORMALS, "/refused").items()) or "none"
        head = (
            f"{figure(NORMALS, '/date')}: {figure(NORMALS, '/films')} {plain(value(NORMALS, '/films_are'))}. Device "
            f"{figure(NORMALS, '/device_version')}, {examined_bundle(self._book, NORMALS)}; analysed {figure(NORMALS, '/analysed')}, "
            f"refused {self._book.cited(refused, NORMALS, '/refused')}. On the phantom's test films development asks for at most {figure(NORMALS, '/goal_of_the_phantom')} a film."
        )
        return f"{head}\n\n{table(['Counted', 'Figure'], rows, widths=[60, 40])}"

    def _metric(self, path: str, pointer: str) -> str:
        return metric_text(self._book, path, pointer)


def _not_run(path: str) -> str:
    return f"This study is not in this version. `{COMMANDS[path]}` makes it."
