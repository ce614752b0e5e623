"""What scenarios read out of an output folder and off an overlay: files, texts, fields, the film's place on the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from device_sw.report.overlay import overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from device_sw.report.content import AnalysisResult
    from verification.steps.command import Run

REFUSED = {2: "IN-NOT-DICOM", 3: "IN-PIXELS-SHORT", 4: "ADM-VIEW"}
"""What has to become of inputs 2, 3 and 4 of the batch."""

ANALYSED = (1, 5)
"""The inputs of the batch that have to be analysed."""

ASSESSMENT = re.compile(r"\b(normal|healthy|negative)\b", re.IGNORECASE)
"""Words that no output may use of a film."""


def detections(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [detection for finding in record["findings"] for detection in finding["detections"]]


def texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, keys included."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys(part)


def files(run: Run) -> list[Path]:
    return sorted(path for path in run.out.rglob("*") if path.is_file())


def streams_and_files(run: Run) -> dict[str, bytes]:
    named = {path.relative_to(run.out).as_posix(): path.read_bytes() for path in files(run)}
    return {**named, "stdout": run.stdout.encode(), "stderr": run.stderr.encode()}


def drawn_words(
    result: AnalysisResult, monkeypatch: pytest.MonkeyPatch, draw: Callable[[AnalysisResult], object] = overlay
) -> list[str]:
    """Return the texts that are drawn while a picture of the result is made, by default its overlay."""
    drawn: list[str] = []
    original = ImageDraw.ImageDraw.text

    def text(self: Any, xy: Any, words: Any, *arguments: Any, **options: Any) -> Any:
        drawn.append(str(words))
        return original(self, xy, words, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ImageDraw.ImageDraw, "text", text)
        draw(result)
    return drawn


def film_place(page: Image.Image, result: AnalysisResult) -> tuple[int, int, int, int]:
    """Find the film on the page by its own pixels: (left, top, width, height); the scenario fails where it is not there."""
    grey, rows, columns = np.asarray(page.convert("L")).astype(np.int64), result.film.rows, result.film.columns
    for longest in (900, *range(600, 1400, 20)):
        high, wide = (round(side * longest / max(rows, columns)) for side in (rows, columns))
        shown = Image.fromarray(np.round(result.picture * 255.0).astype(np.uint8)).resize((wide, high), Image.Resampling.LANCZOS)
        sample = np.asarray(shown).astype(np.int64)[5:-5:7, 5:-5:7]
        for top in range(min(250, max(grey.shape[0] - high, 0))):
            for left in range(min(80, max(grey.shape[1] - wide, 0))):
                place = grey[top + 5 : top + high - 5 : 7, left + 5 : left + wide - 5 : 7]
                if abs(int(place[0, 0]) - int(sample[0, 0])) > 2 or place.shape != sample.shape:
                    continue
                if float(np.mean(np.abs(place - sample) <= 2)) > 0.75:
                    return left, top, wide, high
    pytest.fail("expected the film in its own proportions on the page, observed it nowhere")
