"""The figure of the maps: every title is read in full, whatever the room beside the film."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageDraw

from device_sw.findings import all_findings, finding
from device_sw.report.map_figure import map_figure
from device_sw.types import Box, Detection, ExplanationMethod, LesionMap
from tests.device_sw.stand_ins import device
from verification.steps import films

METHODS = (ExplanationMethod.GRAD_CAM, ExplanationMethod.ABLATION_CAM, ExplanationMethod.SALIENCY)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return device().analyse(films.write(films.film(), tmp_path_factory.mktemp("figure") / "film.dcm"))


def explained(result, methods, findings):
    """The result with one mark of each finding, each explained by each method."""
    marks = tuple(
        Detection(row.id, Box(40.0 + 50 * n, 60.0 + 55 * n, 90.0 + 50 * n, 120.0 + 55 * n), 0.9) for n, row in enumerate(findings)
    )
    grid = np.eye(7, dtype=np.float32)
    maps = tuple(LesionMap(method, mark, "words", grid, mark.box.as_tuple()) for mark in marks for method in methods)
    return replace(result, detections=marks, lesion_methods=methods, lesion_maps=maps)


def drawn(result, monkeypatch):
    """The figure, and every text drawn on it with its place."""
    texts, write = [], ImageDraw.ImageDraw.text

    def noted(self, xy, text, *args, **options):
        texts.append((xy, text))
        return write(self, xy, text, *args, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    return map_figure(result), texts


@pytest.mark.parametrize("methods", [METHODS[:1], METHODS], ids=["one method", "three methods"])
@pytest.mark.parametrize("count", [1, 7])
def test_no_title_is_cut(result, monkeypatch, methods, count):
    marked = explained(result, methods, all_findings()[-count:])
    page, texts = drawn(marked, monkeypatch)
    words = " ".join(text for _, text in texts)
    for number, mark in enumerate(marked.detections, start=1):
        assert f"[{number}] {finding(mark.finding).name}, 0.90" in words
    assert "..." not in words
    assert max(y for (_, y), _ in texts) < page.height - 20


def test_the_maps_of_all_marks_lie_below_titles_of_one_height(result, monkeypatch):
    """A long title beside short ones: each method's name stands at the same height in a row of blocks, and below every line of every title."""
    marked = explained(result, METHODS[:1], all_findings()[-2:])
    _, texts = drawn(marked, monkeypatch)
    names = [y for (_, y), text in texts if text == "Grad-CAM"]
    lines = [y for (x, y), text in texts if text.startswith("[") and x > 900]
    assert len(names) == len(lines) == 2
    assert len({name - line for name, line in zip(names, lines, strict=True)}) == 1
    assert names[0] - lines[0] >= 24
