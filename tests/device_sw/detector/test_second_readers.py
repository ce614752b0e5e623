"""Second opinions look again at the film, each look is what its network says of it, and all of them together are one list."""

import json

import numpy as np
import pytest

from device_sw.detector.bundle import load_bundle
from device_sw.detector.fusion import fused
from device_sw.detector.inference import Detector
from device_sw.detector.parity import detections_to_json, difference
from device_sw.detector.second_opinions import FILE
from device_sw.detector.second_readers import SecondReaders
from device_sw.device import Device
from device_sw.errors import BundleError
from device_sw.preprocessing.geometry import letterbox
from device_sw.types import NormalisedFilm
from verification.steps import bundles, films
from verification.steps.opinion_bundles import FAULTS, VIEWS, Opinions, spoil, with_opinions


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return bundles.untrained(tmp_path_factory.mktemp("plain") / "bundle")


@pytest.fixture(scope="module")
def full(plain, tmp_path_factory):
    """A bundle with every kind of second opinion."""
    bundle = bundles.copy(plain, tmp_path_factory.mktemp("full") / "bundle")
    return with_opinions(bundle, Opinions(members=1, views=VIEWS, tiling={"side": 300, "overlap": 100}, abnormal=0.9))


def opened(bundle):
    loaded = load_bundle(bundle)
    detector = Detector(loaded)
    return loaded, detector, SecondReaders(loaded, loaded.second_opinions, detector)


def film(rows=512, columns=400):
    return NormalisedFilm(np.asarray(films.oval_chest(seed=3)[:rows, :columns] / 4095.0, np.float32), "tt-default-1")


def read(readers, detector, picture):
    model_input = letterbox(picture, bundles.ARCHITECTURE.input_size)
    return readers.read(detector.detect(model_input), model_input, picture)


def test_a_bundle_without_the_file_has_no_second_opinions(plain):
    assert load_bundle(plain).second_opinions is None


def test_every_network_has_one_look_at_the_film_and_one_at_each_view(full):
    _, detector, readers = opened(full)
    reading = read(readers, detector, film())
    assert [(look.network, look.view.rotation_deg, look.view.scale) for look in reading.looks] == [
        (name, turn, scale) for name in ("network", "member_1") for turn, scale in ((0.0, 1.0), (3.0, 1.0), (0.0, 0.93))
    ]
    assert all(look.candidates for look in reading.looks)


def test_the_tiles_are_those_of_the_film_and_a_film_no_larger_than_a_tile_has_none(full):
    _, detector, readers = opened(full)
    assert [tile.as_tuple() for tile in read(readers, detector, film()).tiles] == [
        (x, y, x + 300, y + 300) for y in (0, 106, 212) for x in (0, 100)
    ]
    assert read(readers, detector, film(300, 300)).tiles == ()


def test_what_a_tile_shows_is_what_the_network_says_of_that_part_of_the_film(plain, tmp_path):
    bundle = with_opinions(bundles.copy(plain, tmp_path / "tiled"), Opinions(tiling={"side": 300, "overlap": 100}))
    loaded, detector, readers = opened(bundle)
    picture = film(300, 400)
    reading = read(readers, detector, picture)
    (look,) = reading.looks
    whole = detector.detect(letterbox(picture, 128)).candidates
    pieces = [
        (
            tile,
            detector.detect(letterbox(NormalisedFilm(picture.pixels[tile.y0 : tile.y1, tile.x0 : tile.x1], "x"), 128)).candidates,
        )
        for tile in reading.tiles
    ]
    known = {(d.finding, round(d.score, 9)) for d in whole} | {(d.finding, round(d.score, 9)) for _, part in pieces for d in part}
    assert {(d.finding, round(d.score, 9)) for d in look.candidates} <= known
    assert max(d.score for d in look.candidates) == max(d.score for d in (*whole, *(d for _, part in pieces for d in part)))
    assert reading.candidates == tuple(d for d in look.candidates if d.score >= loaded.settings.score_floor)


def test_the_candidates_are_the_looks_fused_and_nothing_below_the_score_floor(full):
    loaded, detector, readers = opened(full)
    reading = read(readers, detector, film())
    together = fused([look.candidates for look in reading.looks], [1.0] * 6, 0.55, loaded.settings.findings)
    assert reading.candidates == tuple(d for d in together if d.score >= loaded.settings.score_floor)
    assert len(reading.candidates) < len(together)


def test_the_first_network_sees_what_it_sees_alone(full, plain):
    _, detector, readers = opened(full)
    picture = film()
    alone = Detector(load_bundle(plain)).detect(letterbox(picture, 128)).candidates
    assert read(readers, detector, picture).first == alone


def test_a_device_starts_with_all_of_them(full):
    assert Device(full).self_test.passed


def test_a_classifier_alone_leaves_the_looks_to_the_network(plain, tmp_path):
    _, detector, readers = opened(with_opinions(bundles.copy(plain, tmp_path / "bundle"), Opinions(abnormal=0.25)))
    assert read(readers, detector, film()) is None
    assert readers.abnormal(letterbox(film(), 128)) == pytest.approx(0.25, abs=1e-6)


CODES = {
    "a cut-off that suppressed 1 of 38 films with findings": "BND-CUT-OFF",
    "a cut-off chosen on 28 films with findings": "BND-CUT-OFF",
    "a cut-off of 1.2": "BND-CONTENT",
    "a classifier whose parity check differs by 0.00011": "BND-PARITY at second_opinions.json classifier",
    "a classifier without a film in its parity check": "BND-PARITY at second_opinions.json classifier",
    "an abnormal score of a golden film shifted by 0.0002": "BND-SELF-TEST .*film_1: abnormal score off by 0.0002",
    "a fused box of a golden film shifted by 0.6 pixel": "BND-SELF-TEST .*film_1: fused candidates off by 0.6",
    "no golden second opinion": "BND-SELF-TEST .*golden second opinions",
    "a box of the member's golden film shifted by 0.6 pixel": "BND-SELF-TEST .*member_1: off by 0.6",
    "a member whose parity check differs by 0.51 pixel": r"BND-PARITY at member_1\.json",
    "a member for six findings": "BND-CONTENT",
    "a view that mirrors": "BND-CONTENT",
    "a view turned upside down": "BND-CONTENT",
    "an opinion that the device does not know": "BND-CONTENT",
    "weights that are one too few": "BND-CONTENT",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_second_opinion_that_is_not_the_released_one_stops_the_device(full, tmp_path, fault):
    bundle = spoil(bundles.copy(full, tmp_path / "bundle"), fault)
    if fault not in CODES:
        assert Device(bundle).self_test.passed
        return
    with pytest.raises(BundleError, match=CODES[fault]):
        Device(bundle)


def test_the_golden_films_are_tiled_though_they_are_small(full):
    loaded, detector, readers = opened(full)
    released = json.loads((full / FILE).read_text())["golden"]["film_0"]["candidates"]
    untiled = read(readers, detector, NormalisedFilm(loaded.golden_inputs["film_0"], "tt-default-1"))
    assert difference(detections_to_json(untiled.candidates), released, loaded.settings.score_floor)[0] > 0.5
