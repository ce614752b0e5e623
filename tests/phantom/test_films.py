"""Films are valid DICOM, come out bone bright, and are the same bytes every time."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from phantom.dicom import encode, unique_id
from phantom.film import render, specified
from phantom.patient import PatientSpec
from phantom.vendors import VENDORS

MATRIX = 256


@pytest.fixture(scope="module", params=sorted(VENDORS))
def film(request):
    rendered = render(specified(9, {"lung_field_infiltration": 0.5}, vendor=request.param, matrix=MATRIX))
    return rendered, pydicom.dcmread(BytesIO(encode(rendered.dataset)))


def shown(ds):
    values = np.asarray(apply_voi_lut(apply_modality_lut(ds.pixel_array, ds), ds, index=0), dtype=np.float64)
    return -values if ds.PhotometricInterpretation == "MONOCHROME1" else values


def test_decoded_pixels_are_the_stored_ones(film):
    rendered, ds = film
    assert ds.pixel_array.shape == (ds.Rows, ds.Columns)
    assert ds.pixel_array.max() <= 4095
    assert np.ptp(ds.pixel_array) > 1000
    relevant = shown(ds)
    span = float(ds[0x00281051].value if not isinstance(ds.WindowWidth, pydicom.multival.MultiValue) else ds.WindowWidth[0])
    assert span > 0
    order = np.corrcoef(relevant.ravel(), rendered.display.ravel())[0, 1]
    assert order > 0.999


def test_bone_is_bright_and_lung_is_dark(film):
    rendered, ds = film
    labels, values = rendered.truth.labels, shown(ds)
    spine, lungs = values[(labels & 8) > 0], values[labels == 1]
    assert np.median(spine) > np.median(lungs) + 0.25 * np.ptp(values)


def test_header_says_what_the_pixels_are(film):
    rendered, ds = film
    vendor = VENDORS[rendered.specification.vendor]
    assert (ds.Modality, ds.PhotometricInterpretation) == (vendor.modality, vendor.photometric)
    assert ds.PresentationLUTShape == {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}[ds.PhotometricInterpretation]
    assert ds.PixelIntensityRelationshipSign == {"MONOCHROME1": 1, "MONOCHROME2": -1}[ds.PhotometricInterpretation]
    assert (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation) == (16, 12, 11, 0)
    assert (ds.BodyPartExamined, ds.ViewPosition, ds.BurnedInAnnotation) == ("CHEST", "PA", "NO")
    assert list(ds.PatientOrientation) == ["L", "F"]
    assert list(ds.ImageType[:2]) == ["ORIGINAL", "PRIMARY"]
    assert ds.PatientAge == "055Y"
    assert str(ds.PatientName) == "Phantom^P0001"
    assert float(ds.ImagerPixelSpacing[0]) == pytest.approx(rendered.pixel_pitch, rel=1e-4)


def test_dx_films_are_for_presentation_with_identity_rescale(film):
    _, ds = film
    if ds.Modality != "DX":
        assert "PresentationIntentType" not in ds
        return
    assert ds.PresentationIntentType == "FOR PRESENTATION"
    assert (float(ds.RescaleSlope), float(ds.RescaleIntercept), ds.RescaleType) == (1.0, 0.0, "US")


def test_linear_or_logarithmic_as_declared(film):
    rendered, ds = film
    assert ds.PixelIntensityRelationship == VENDORS[rendered.specification.vendor].relationship


def test_uids_are_under_the_uuid_root_and_differ(film):
    _, ds = film
    ids = [ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID]
    assert len(set(ids)) == 3
    assert all(uid.startswith("2.25.") and uid.is_valid for uid in ids)
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID


def test_vendors_cover_the_encodings():
    rows = VENDORS.values()
    assert {row.syntax for row in rows} == {"explicit", "implicit", "jpeg-ls", "rle"}
    assert {row.photometric for row in rows} == {"MONOCHROME1", "MONOCHROME2"}
    assert {row.relationship for row in rows} == {"LOG", "LIN"}
    assert {row.modality for row in rows} == {"CR", "DX"}
    assert {row.windows > 1 for row in rows} == {True, False}
    assert all(name.startswith("FICTIVE-") for name in VENDORS)


def test_same_specification_gives_the_same_bytes():
    specification = specified(3, {"scoliosis": 0.4}, matrix=MATRIX, view="AP", vendor="FICTIVE-E")
    assert encode(render(specification).dataset) == encode(render(specification).dataset)


def test_another_seed_gives_another_film():
    assert encode(render(specified(3, matrix=MATRIX)).dataset) != encode(render(specified(4, matrix=MATRIX)).dataset)


def test_low_dose_is_noisier():
    def noise(dose):
        values = render(specified(3, matrix=MATRIX, dose=dose)).display[230:245, 90:160]
        return float(np.diff(values, axis=1).std())

    assert noise("low") > 1.2 * noise("standard")


def test_uid_depends_on_the_patient():
    assert unique_id(specified(1, index=1), "study") != unique_id(specified(1, index=2), "study")


def test_unknown_finding_is_refused():
    with pytest.raises(ValueError, match="unknown finding 'fracture'"):
        specified(1, {"fracture": 0.5})


def test_severity_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"severity of scoliosis must lie in \(0, 1\], got 1.5"):
        specified(1, {"scoliosis": 1.5})


def test_unknown_vendor_is_refused():
    with pytest.raises(ValueError, match="vendor must be one of"):
        specified(1, vendor="REAL")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("view", "LAT", "view must be one of"),
        ("sex", "X", "sex must be one of"),
        ("age", 12, "age must lie in 18 to 95"),
        ("matrix", 16, "matrix must lie in"),
    ],
)
def test_impossible_specification_is_refused(field, value, message):
    good = {
        "seed": 1,
        "index": 1,
        "patient_id": "P0001",
        "sex": "F",
        "age": 40,
        "body_size": "small",
        "vendor": "FICTIVE-A",
        "view": "PA",
        "dose": "low",
        "matrix": 256,
    }
    with pytest.raises(ValueError, match=message):
        PatientSpec(**{**good, field: value})
