"""Golden preprocessing: every encoding gives, bit for bit, the picture that the reference in plain Python computes, and that is committed as a hash."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from device_sw.dicom.reader import read
from device_sw.preprocessing.intensity import normalise
from tests.device_sw.preprocessing.reference import digest, presented
from verification.steps.encodings import ENCODINGS, LOSSY, encoded_values, written

GOLDEN = tomllib.loads((Path(__file__).parent / "golden.toml").read_text(encoding="utf-8"))["tt-default-1"]

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


def normalised(name, tmp_path):
    return normalise(read(written(name, tmp_path / "film.dcm"))).pixels


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_device_gives_the_golden_picture(name, tmp_path):
    assert digest(normalised(name, tmp_path).tolist()) == GOLDEN[name]


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_device_gives_the_references_picture_bit_for_bit(name, tmp_path):
    expected = np.asarray(presented(name, ENCODINGS[name]()), dtype=np.float32)
    assert np.array_equal(normalised(name, tmp_path), expected)


def test_the_table_is_complete_and_its_pictures_differ_where_they_should():
    assert set(GOLDEN) == set(ENCODINGS)
    assert len(GOLDEN) >= 25
    assert len(set(GOLDEN.values())) > 25


@pytest.mark.parametrize("name", LOSSY)
def test_a_film_compressed_with_loss_is_close_to_what_was_compressed(name, tmp_path):
    stored = read(written(name, tmp_path / "film.dcm")).stored
    assert 0 < np.abs(stored - encoded_values(ENCODINGS[name]())).max() <= LOSSY[name]


ONE_PICTURE = [
    "Explicit VR, 12 bits", "Implicit VR", "Deflated", "MONOCHROME2, no shape", "no slope", "overlay plane", "LIN data", "DISP data", "RLE, 12 bits",
    "JPEG Lossless .57, selection value 1", "JPEG Lossless .57, selection value 4", "JPEG Lossless .70, 12 bits", "JPEG-LS .80, 12 bits",
    "JPEG-LS .80, several fragments", "JPEG 2000 .90, 12 bits", "HTJ2K .201", "HTJ2K .202",
]  # fmt: skip


def test_encodings_of_one_film_give_one_picture():
    assert len({GOLDEN[name] for name in ONE_PICTURE}) == 1
