"""Trails that the device itself recorded: the released bundle on phantom films, unchanged, inverted and blurred."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pydicom
import pytest
from scipy.ndimage import gaussian_filter

from device_sw.batch import run
from device_sw.batch.examination import InProcess
from device_sw.device import Device
from device_sw.report.outputs import Wanted
from device_sw.types import Policy
from pipeline.surveillance import baseline as baselines
from pipeline.surveillance.installed import Released
from pipeline.surveillance.record import record_of
from pipeline.surveillance.trail import in_order, read_trail
from tests.pipeline.surveillance.sites import ROOT, WORDS, Clock, ordered, points, states

FILMS = ROOT / "artifacts/cohort/films"
BASE, WINDOW = 30, 8

pytestmark = pytest.mark.needs_run


@pytest.fixture(scope="module")
def examiner():
    return InProcess(
        Device(ROOT / "releases/0.1.0/bundle", Policy.INTENDED_USE),
        Wanted(datetime(2030, 1, 1, tzinfo=UTC), dicom=False, page=False),
    )


@pytest.fixture(scope="module")
def films():
    found = sorted(FILMS.glob("*.dcm"))[: BASE + 2 * WINDOW] if FILMS.is_dir() else []
    if len(found) < BASE + 2 * WINDOW:
        pytest.skip("no finished run here (./qms demo makes it)")
    return found


def inverted(pixels, top):
    return top - pixels


def blurred(pixels, top):
    """A detector whose software smooths as none did before."""
    return gaussian_filter(pixels.astype(float), 8).round().astype(pixels.dtype)


def changed(films, folder: Path, change):
    """Return films whose pixels were changed, everything else as it was."""
    folder.mkdir()
    for film in films:
        header = pydicom.dcmread(film)
        if header.file_meta.TransferSyntaxUID.is_compressed:
            header.decompress()
        header.PixelData = change(header.pixel_array, 2**header.BitsStored - 1).tobytes()
        header.save_as(folder / film.name)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def folders(examiner, films, tmp_path_factory):
    """A site with a baseline and an unchanged window, and what its two drifts would have left a day later.

    Each folder has a day of its own, so that nothing rests on how fast films are analysed.
    """
    root = tmp_path_factory.mktemp("device")

    def recorded(name, day, inputs):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, "datetime", Clock(day))
            batch = run.Batch(examiner, root / name, lambda _: None)
            batch.take(*inputs)
            batch.finish()
        return root / name

    rest = films[BASE + WINDOW :]
    return {
        "site": recorded("site", "2030-01-01", films[: BASE + WINDOW]),
        "inverted": recorded("inverted", "2030-01-02", changed(rest, root / "in-inverted", inverted)),
        "blurred": recorded("blurred", "2030-01-02", changed(rest, root / "in-blurred", blurred)),
    }


@pytest.fixture(scope="module")
def judged(folders, situations, examiner):
    """Judge folders as if the device of this checkout with the bundle that it holds had been released."""
    from pipeline.surveillance.plan import load_plan

    used = examiner.identity
    known = frozenset({Released(used.device_version, used.model_version, used.bundle_sha256)})
    whole = load_plan(ROOT, situations)
    plan = replace(
        whole, window=replace(whole.window, films=WINDOW, baseline_films=BASE, least_films=WINDOW, least_scores=WINDOW)
    )

    def record(*names):
        trails = tuple(read_trail(folders[name], number) for number, name in enumerate(names, start=1))
        base = baselines.form(in_order(trails), trails, plan, WORDS, known)
        return record_of(replace(ordered(plan, trails, base), releases=known, films_are="phantom films"))

    return record


def test_unchanged_films_are_inside(judged):
    record = judged("site")
    assert [window["analysed"] for window in record["windows"]] == [WINDOW]
    assert {state for name in ("PMI-01", "PMI-02", "PMI-07") for state in states(record, name)} == {"inside"}
    assert states(record, "PMI-04", "outside") == states(record, "PMI-04", "distance") == ["inside"]
    assert {point["state"] for series in record["indicators"][2]["series"] for point in series["points"]} == {"inside"}


def test_inverted_films_are_refused_and_the_refusals_are_outside(judged):
    record = judged("site", "inverted")
    assert states(record, "PMI-01", "all codes") == ["inside", "outside"]
    assert points(record, "PMI-01", "ADM-POLARITY")[1]["count"] == WINDOW
    assert states(record, "PMI-03")[1] == "not evaluated"


def test_blurred_films_are_analysed_and_their_distance_is_outside(judged):
    record = judged("site", "blurred")
    assert states(record, "PMI-01", "all codes") == ["inside", "inside"]
    assert states(record, "PMI-04", "distance") == ["inside", "outside"]
    assert "Kolmogorov-Smirnov" in points(record, "PMI-04", "distance")[1]["reason"]
