"""A film written again says the same; a changed one differs in its pixels alone."""

import numpy as np
import pydicom
import pytest

from device_sw.dicom.reader import read
from device_sw.preprocessing.intensity import normalise
from phantom.dicom import encode
from phantom.film import render, specified
from validation.errors import ValidationError
from validation.studies.film_file import open_film, write_changed

VENDORS = ("FICTIVE-A", "FICTIVE-B", "FICTIVE-C", "FICTIVE-D", "FICTIVE-E")


@pytest.fixture(scope="module", params=VENDORS)
def film(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.dcm"
    path.write_bytes(encode(render(specified(4, vendor=request.param, matrix=256)).dataset))
    return path


def test_an_unchanged_picture_gives_the_unchanged_values(film, tmp_path):
    opened = open_film(film)
    write_changed(opened, opened.picture, tmp_path / "again.dcm")
    assert np.array_equal(read(tmp_path / "again.dcm").stored, read(film).stored)


def test_display_units_are_what_the_device_sees_inside_the_window(film):
    opened, seen = open_film(film), normalise(read(film)).pixels
    inside = (opened.picture > 0.02) & (opened.picture < 0.98)
    assert np.abs(opened.picture - seen)[inside].max() < 0.01


def test_nothing_but_pixels_encoding_and_identity_differs(film, tmp_path):
    opened = open_film(film)
    write_changed(opened, opened.picture * 0.9, tmp_path / "dim.dcm", lossy=True)
    old, new = pydicom.dcmread(film), pydicom.dcmread(tmp_path / "dim.dcm")
    changed = {element.keyword for element in new if element != old.get(element.tag)}
    assert changed == {"PixelData", "SOPInstanceUID", "LossyImageCompression"}
    assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID


def test_a_film_with_a_look_up_table_is_left_out(film, tmp_path):
    dataset = pydicom.dcmread(film)
    del dataset.WindowCenter, dataset.WindowWidth
    dataset.save_as(tmp_path / "plain.dcm")
    with pytest.raises(ValidationError, match=r"VAL-FILM at film: found signed values, a look-up table or no window"):
        open_film(tmp_path / "plain.dcm")
