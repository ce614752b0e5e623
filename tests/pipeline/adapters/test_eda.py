"""The E-Da adapter takes every component of every mark, makes no box it cannot draw, and names each row that is odd."""

import json

import numpy as np
import pydicom
import pytest
from PIL import Image

from device_sw.dicom.reader import read
from device_sw.preprocessing.intensity import normalise
from pipeline.adapters import importing
from pipeline.adapters.errors import DataError
from pipeline.adapters.importing import bring
from tests.pipeline.adapters.drawn import NOT_A_FILM, jpeg, mark


def remarks(report, code):
    return [(row["where"], row["found"]) for row in report["remarks"] if row["code"] == code]


def test_every_component_of_a_mark_is_a_box_and_ringing_is_none(eda, imported):
    films, report = imported("eda", eda.write())
    boxes = [box.box for box in films["eda-0002"].boxes]
    assert np.abs(np.array(boxes) - np.array([(60, 120, 110, 190), (280, 200, 340, 270)])).max() <= 1
    books = next(mask for mask in report["masks"] if mask["film"] == "eda-0002")
    assert len(books["components"]) == 2
    assert books["ringing_px"] > 0
    assert books["edge_shift_px"] <= 1


def test_a_film_was_read_for_all_findings_and_a_normal_one_has_none(eda, imported):
    films, _ = imported("eda", eda.write())
    assert films["eda-0001"].status == {name: int(name == "cardiac_hypertrophy") for name in films["eda-0001"].status}
    assert set(films["eda-0003"].status.values()) == {0}
    assert len(films["eda-0003"].status) == 7


@pytest.mark.parametrize(("codec", "named"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8 with BOM"), ("cp950", "Big5")])
def test_chinese_labels_read_alike_in_three_encodings(eda, imported, codec, named):
    english, _ = imported("eda", eda.write())
    eda.in_chinese()
    chinese, report = imported("eda", eda.write(codec))
    assert chinese == english
    assert report["sources"]["train.csv"] == {"encoding": named, "rows": 5, "labels": {"Chinese": 5}}


def test_labels_in_two_languages_may_mix_and_are_counted(eda, imported):
    eda.in_chinese()
    eda.rows[0]["category"] = "Cardiac hypertrophy"
    films, report = imported("eda", eda.write())
    assert films["eda-0001"].status["cardiac_hypertrophy"] == 1
    assert report["sources"]["train.csv"]["labels"] == {"Chinese": 4, "English": 1}


def test_rows_of_one_picture_are_one_film(eda, imported):
    eda.film("A1", "again", "aortic_curvature", [(150, 80, 220, 200)], seed=0)
    films, report = imported("eda", eda.write())
    assert {box.finding for box in films["eda-0001"].boxes} == {"cardiac_hypertrophy", "aortic_curvature"}
    assert report["rows_of_film"]["eda-0001"] == ["train.csv:2", "train.csv:7"]


def test_a_row_that_says_the_same_again_is_named(eda, imported):
    eda.rows.append(dict(eda.rows[0]))
    films, report = imported("eda", eda.write())
    assert remarks(report, "ROW-DUPLICATE") == [("train.csv:7", "as train.csv:2")]
    assert len(films["eda-0001"].boxes) == 1


def test_two_marks_of_one_finding_are_joined(eda, imported):
    eda.film("A2", "11 second", "lung_field_infiltration", [(65, 125, 118, 195), (300, 60, 340, 120)], seed=1)
    films, report = imported("eda", eda.write())
    assert len(films["eda-0002"].boxes) == 3
    assert remarks(report, "MASK-MERGED") == [("eda-0002", "2 marks for lung_field_infiltration")]


@pytest.mark.parametrize(
    ("content", "code", "found"),
    [
        (lambda: mark(rows=420, columns=400), "MASK-EMPTY", "no component"),
        (lambda: mark((100, 100, 200, 200), rows=210, columns=200), "MASK-SIZE", "mask 210 x 200, film 420 x 400"),
        (lambda: b"no picture", "MASK-UNREADABLE", "no readable JPEG or PNG (UnidentifiedImageError)"),
        (lambda: jpeg(np.tile(np.linspace(0, 255, 400).astype(np.uint8), (420, 1))), "MASK-GREY", "67% of the pixels"),
        (lambda: jpeg(np.full((420, 400), 255, np.uint8)), "MASK-FULL", "100% of the film is covered"),
        (
            lambda: jpeg(np.dstack([np.full((420, 400), 200, np.uint8)] + [np.zeros((420, 400), np.uint8)] * 2)),
            "MASK-COLOUR",
            "100.0% of",
        ),
    ],
)
def test_a_mark_that_gives_no_box_leaves_the_finding_unknown(eda, imported, content, code, found):
    root = eda.write()
    eda.mark_of(eda.rows[0]).write_bytes(content())
    films, report = imported("eda", root)
    film = films["eda-0001"]
    assert film.boxes == ()
    assert film.status["cardiac_hypertrophy"] is None
    assert film.status["scoliosis"] == 0
    ((where, said),) = remarks(report, code)
    assert where == "eda-0001"
    assert said.startswith(f"cardiac_hypertrophy: {found}")
    assert {"film": "eda-0001", "finding": "cardiac_hypertrophy", "refused": code}.items() <= report["masks"][0].items()


def test_specks_are_dropped_and_counted(eda, imported):
    root = eda.write()
    values = np.asarray(Image.open(eda.mark_of(eda.rows[0]))).copy()
    values[10:12, 10:12] = 255
    eda.mark_of(eda.rows[0]).write_bytes(jpeg(values, 100))
    films, report = imported("eda", root)
    assert len(films["eda-0001"].boxes) == 1
    (row,) = [row for row in report["excluded_boxes"] if row["class"] == "cardiac_hypertrophy"]
    assert (row["reason"], row["boxes"]) == ("speck: thinner than 4 px", 1)


@pytest.mark.parametrize(
    ("change", "code", "found"),
    [
        (lambda row: row.update(category="pneumothorax"), "ROW-LABEL", "a category that is none of the eight"),
        (lambda row: row.update(category=""), "ROW-MISSING", "no category"),
        (lambda row: row.update(ID=""), "ROW-MISSING", "no ID"),
        (lambda row: row.update(ImagePath="/scoliosis/image/nowhere.dcm"), "ROW-MISSING", "no file at ImagePath"),
        (lambda row: row.update(ImagePath="/../../etc/passwd"), "ROW-MISSING", "no file at ImagePath"),
        (lambda row: row.update(category="normal"), "ROW-CONTRADICTION", "the folder says scoliosis, the category normal"),
        (lambda row: row.update(category="normal;scoliosis"), "ROW-CONTRADICTION", "normal and another category in one cell"),
        (lambda row: row.update(Filename="15.dcm"), "ROW-CONTRADICTION", "Filename is not the file of ImagePath"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_named(eda, imported, change, code, found):
    change(eda.rows[4])
    films, report = imported("eda", eda.write())
    assert remarks(report, code) == [("train.csv:6", found)]
    assert sorted(films) == ["eda-0001", "eda-0002", "eda-0003", "eda-0004"]


@pytest.mark.parametrize(
    ("change", "code", "unknown"),
    [
        (lambda row: row.update(MarkPath=""), "ROW-MISSING", {"scoliosis"}),
        (lambda row: row.update(MarkPath="/scoliosis/mark/nowhere.jpg"), "ROW-MISSING", {"scoliosis"}),
        (lambda row: row.update(category="脊椎側彎、aortic_curvature"), "ROW-MIXED", {"scoliosis", "aortic_curvature"}),
    ],
)
def test_a_finding_that_cannot_be_placed_is_unknown(eda, imported, change, code, unknown):
    change(eda.rows[4])
    films, report = imported("eda", eda.write())
    assert [where for where, _ in remarks(report, code)] == ["train.csv:6"]
    assert {name for name, status in films["eda-0005"].status.items() if status is None} == unknown
    assert films["eda-0005"].boxes == ()


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        (lambda row: row.update(category="脊椎側彎、肺炎"), "any other"),
        (lambda row: row.update(category="pneumothorax"), "any other"),
        (lambda row: row.update(category="aortic_curvature"), {"aortic_curvature"}),
    ],
)
def test_what_an_unusable_row_names_is_unknown_on_the_film_that_another_row_shows(eda, imported, change, unknown):
    usable = dict(eda.rows[4])
    change(eda.rows[4])
    eda.rows.append(usable)
    films, _ = imported("eda", eda.write())
    (film,) = [film for film in films.values() if film.status["scoliosis"] == 1]
    others = set(film.status) - {"scoliosis"}
    assert {name for name, status in film.status.items() if status is None} == (others if unknown == "any other" else unknown)


def test_normal_and_a_finding_on_one_picture_leave_it_out(eda, imported):
    eda.film("A3", "12 again", "scoliosis", [(180, 60, 230, 380)], seed=2)
    films, report = imported("eda", eda.write())
    assert remarks(report, "ROW-CONTRADICTION") == [("train.csv:4, train.csv:7", "normal and scoliosis")]
    assert "eda-0003" not in films


def test_a_normal_film_with_a_mark_is_left_out_unless_the_mark_is_black(eda, imported):
    eda.film("A5", "15", "normal", [(100, 100, 200, 200)])
    eda.film("A5", "16", "normal", [(1, 1, 2, 2)])
    eda.mark_of(eda.rows[-1]).write_bytes(mark())
    films, report = imported("eda", eda.write())
    assert remarks(report, "ROW-CONTRADICTION") == [("train.csv:7", "normal with a mark")]
    assert "eda-0006" not in films
    assert "eda-0007" in films


def test_one_picture_under_two_patients_is_left_out(eda, imported):
    eda.film("B9", "copy", "cardiac_hypertrophy", [(120, 220, 300, 340)], seed=0)
    films, report = imported("eda", eda.write())
    assert remarks(report, "FILM-PICTURE") == [("train.csv:2, train.csv:7", "one picture under 2 patients")]
    assert "eda-0001" not in films


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"SOPClassUID": NOT_A_FILM}, "SOP Class is neither CR nor DX For Presentation"),
        ({"Modality": "CT"}, "Modality is neither CR nor DX"),
        ({"ViewPosition": "LL"}, "View Position is not frontal"),
        ({"BodyPartExamined": "HAND"}, "Body Part Examined is not the chest"),
        ({"PatientOrientation": ["R", "F"]}, "Patient Orientation is not L\\F"),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "Image Type is DERIVED\\SECONDARY"),
        ({"RescaleSlope": "2", "RescaleIntercept": "0"}, "a rescale other than 1 and 0"),
        ({"BurnedInAnnotation": "YES"}, "Burned In Annotation is YES"),
        ({"PixelData": b"\0\0"}, "IN-"),
    ],
)
def test_an_object_that_is_no_frontal_film_is_not_laundered(eda, imported, changes, found):
    eda.film("A6", "16", "normal", **changes)
    films, report = imported("eda", eda.write())
    ((where, said),) = remarks(report, "FILM-REFUSED")
    assert where == "train.csv:7"
    assert said.startswith(found)
    assert len(films) == 5


def test_unlabelled_test_films_are_counted(eda, imported):
    _, report = imported("eda", eda.write())
    assert remarks(report, "ROW-NO-LABEL") == [("test.csv", "2 films")]


def test_the_dx_file_has_the_pixels_and_not_the_patient(eda, imported, tmp_path):
    imported("eda", eda.write())
    content = (tmp_path / "cohort" / "films" / "eda-0001.dcm").read_bytes()
    for secret in (b"Wang", b"Secret", b"H123456789", b"19500101", b"20180102"):
        assert secret not in content
    before = pydicom.dcmread(eda.root / "train" / "cardiac_hypertrophy" / "image" / "10 (2)d.dcm")
    after = pydicom.dcmread(tmp_path / "cohort" / "films" / "eda-0001.dcm")
    assert after.PixelData == before.PixelData
    assert (after.PhotometricInterpretation, after.PresentationLUTShape, after.PixelIntensityRelationshipSign) == (
        "MONOCHROME1",
        "INVERSE",
        1,
    )
    assert (after.PatientID, after.PatientAge, after.ViewPosition) == ("EDA-P0001", "067Y", "PA")
    assert after.SOPClassUID.name == "Digital X-Ray Image Storage - For Presentation"
    assert after.SOPInstanceUID != before.SOPInstanceUID


def test_a_film_without_window_shows_its_full_range(eda, imported, tmp_path):
    eda.film("A6", "16", "normal", WindowCenter=None, WindowWidth=None)
    imported("eda", eda.write())
    film = read(tmp_path / "cohort" / "films" / "eda-0006.dcm")
    low, high = film.stored.min(), film.stored.max()
    expected = 1 - (film.stored - low) / (high - low)
    assert np.abs(normalise(film).pixels - expected).max() < 1e-6


def test_patients_stay_together_and_the_same_folder_gives_the_same_bytes(eda, imported, tmp_path):
    films, _ = imported("eda", eda.write())
    assert films["eda-0003"].split == films["eda-0004"].split
    first = {path.name: path.read_bytes() for path in (tmp_path / "cohort").rglob("*") if path.is_file()}
    imported("eda", eda.root)
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "cohort").rglob("*") if path.is_file()}


def test_no_name_of_a_file_or_patient_enters_the_report(eda, imported, tmp_path):
    eda.film("Wang Secret", "Wang", "pneumothorax")
    eda.film("Wang Secret", "Wang2", "scoliosis")
    imported("eda", eda.write())
    assert "Wang" not in (tmp_path / "cohort" / "dataset_report.json").read_text(encoding="utf-8")
    assert "Wang" not in (tmp_path / "cohort" / "cohort.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"^DATA-MISSING at train\.csv: found no file"),
        (b"ID,Filename\n1,2\n", r"^DATA-FORMAT at train\.csv: found column category missing"),
        (b"", r"^DATA-FORMAT at train\.csv: found no header"),
        (
            "ID,Filename,category,ImagePath,MarkPath\n".encode("utf-16"),
            r"^DATA-ENCODING at train\.csv: found UTF-16, expected UTF-8",
        ),
        (b"ID,\xff\xff\xfe\n", r"^DATA-ENCODING at train\.csv: found bytes that are neither UTF-8 nor Big5"),
        (
            b"ID,Filename,category,ImagePath,MarkPath\n1,a.dcm,normal,/a.dcm,\n",
            r"^DATA-FORMAT at train\.csv: found no usable film in 1 rows",
        ),
    ],
)
def test_a_folder_without_a_usable_table_gives_one_clear_line(tmp_path, content, message):
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / "train.csv").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        bring("eda", tmp_path / "data", tmp_path / "cohort", seed=1, progress=lambda done, total: None)
    assert "\n" not in str(caught.value)


def test_the_page_shows_counts_boxes_views_and_remarks(eda, tmp_path):
    eda.rows.append(dict(eda.rows[0]))
    bring("eda", eda.write(), tmp_path / "cohort", seed=1, progress=lambda done, total: None, preprocessing="eda-log-1")
    page = (tmp_path / "cohort" / "dataset_report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 5
    for text in (
        "what the network sees (eda-log-1)",
        "ROW-DUPLICATE",
        "JPEG ringing (px)",
        "UTF-8",
        "scoliosis: eda-0005",
        "median share of the film",
    ):
        assert text in page
    assert json.loads((tmp_path / "cohort" / "dataset_report.json").read_text())["remark_counts"]["ROW-DUPLICATE"] == 1
    assert set(importing.ADAPTERS) == {"coco", "eda", "vindr", "nih"}
