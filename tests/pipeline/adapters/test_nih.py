"""The NIH adapter reads the box list in its published form, treats text mining as text mining and wraps PNG pictures."""

import numpy as np
import pydicom
import pytest
from PIL import Image

from device_sw.dicom.reader import read
from pipeline.adapters.dx import FilmRecord
from pipeline.adapters.errors import DataError
from pipeline.adapters.importing import bring
from pipeline.adapters.wrap import wrapped_png
from tests.pipeline.adapters.drawn import png, thorax

SIDE = 256
BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
ENTRIES = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)


def picture(seed):
    return (thorax(seed, SIDE, SIDE) * 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes box list, entry table and pictures, and returns the folder."""

    def write(boxes=(), entries=None, *, head=BOXES):
        root = tmp_path / "nih"
        (root / "images_001" / "images").mkdir(parents=True, exist_ok=True)
        (root / "BBox_List_2017.csv").write_text("\n".join([head, *(boxes or BOXED), ""]), encoding="utf-8")
        (root / "Data_Entry_2017.csv").write_text("\n".join([ENTRIES, *(entries or ENTERED), ""]), encoding="utf-8")
        for number in range(1, 6):
            (root / "images_001" / "images" / f"{number:08d}_000.png").write_bytes(png(picture(number)))
        return root

    return write


BOXED = [
    "00000001_000.png,Cardiomegaly,60.5,120.25,130,70,,,",
    "00000002_000.png,Infiltrate,30,60,40,50,,,",
    "00000002_000.png,Nodule,150,60,10,10,,,",
]
ENTERED = [
    "00000001_000.png,Cardiomegaly|Emphysema,000,00001,058Y,M,PA,2682,2749,0.143,0.143,",
    "00000002_000.png,Infiltration|Nodule,000,00002,413Y,F,AP,2500,2048,0.168,0.168,",
    "00000003_000.png,No Finding,000,00003,081Y,F,PA,2500,2048,0.168,0.168,",
    "00000004_000.png,No Finding,000,00004,040Y,F,PA,2500,2048,0.168,0.168,",
]


def test_a_boxed_finding_is_present_and_every_other_unknown(folder, imported):
    films, report = imported("nih", folder())
    assert sorted(films) == ["00000001_000", "00000002_000"]
    film = films["00000001_000"]
    assert [(box.finding, box.box) for box in film.boxes] == [("cardiac_hypertrophy", (60.5, 120.25, 190.5, 190.25))]
    assert {name for name, status in film.status.items() if status is None} == set(film.status) - {"cardiac_hypertrophy"}
    assert report["excluded_boxes"][0]["class"] == "Nodule"
    assert (film.patient_id, film.strata["age"], film.strata["view"]) == ("NIH-00000001", 58, "PA")


def test_an_impossible_age_is_unknown_and_named(folder, imported):
    films, report = imported("nih", folder())
    assert films["00000002_000"].strata["age"] is None
    assert [(r["where"], r["code"]) for r in report["remarks"]] == [("Data_Entry_2017.csv:3", "ROW-AGE")]


def test_text_mined_normals_are_added_only_where_asked_for_and_said(folder, imported, tmp_path):
    films, _ = imported("nih", folder(), weak_normals=1)
    (normal,) = [film for film in films.values() if not film.boxes]
    assert {name for name, status in normal.status.items() if status == 0} == {
        "cardiac_hypertrophy",
        "lung_field_infiltration",
        "intercostal_pleural_thickening",
    }
    assert "1 films are absent" in (tmp_path / "cohort" / "cohort.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "code", "found"),
    [
        (BOXED[0], "ROW-DUPLICATE", "as BBox_List_2017.csv:2"),
        ("00000001_000.png,Cardiac,1,1,9,9,,,", "ROW-LABEL", "a label that the box list does not have"),
        ("00000009_000.png,Mass,1,1,9,9,,,", "ROW-MISSING", "no row of this picture in the entry table"),
        ("00000001_000.jpg,Mass,1,1,9,9,,,", "ROW-MISSING", "no picture name"),
        ("00000001_000.png,Mass,1,1,9,9,,,", "ROW-CONTRADICTION", "Mass boxed, but not among the text-mined labels"),
        ("00000001_000.png,Cardiomegaly,1,1,0,9,,,", "ROW-BOX", "a box without width or height"),
        ("00000001_000.png,Cardiomegaly,1,1,x,9,,,", "ROW-BOX", "corners that are no numbers"),
        ("00000001_000.png,Cardiomegaly,200,1,100,9,,,", "ROW-BOX", "Cardiomegaly: a box that leaves the film"),
        ("00000001_000.png,Cardiomegaly,157,1,100,9,,,", "ROW-BOX", "Cardiomegaly: a box that leaves the film a little"),
    ],
)
def test_an_odd_row_is_named(folder, imported, row, code, found):
    _, report = imported("nih", folder([BOXED[0], row]))
    assert [(r["where"], r["code"], r["found"]) for r in report["remarks"][1:]] == [("BBox_List_2017.csv:3", code, found)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (ENTERED[0], "ROW-DUPLICATE"),
        (ENTERED[0].replace("00001,", "00007,"), "ROW-CONTRADICTION"),
        ("x.png,,,,,,,", "ROW-MISSING"),
    ],
)
def test_an_odd_row_of_the_entry_table_is_named(folder, imported, row, code):
    _, report = imported("nih", folder(entries=[*ENTERED, row]))
    assert [(r["where"], r["code"]) for r in report["remarks"][1:]] == [("Data_Entry_2017.csv:6", code)]


def test_a_picture_that_is_missing_or_coloured_is_named(folder, imported):
    root = folder()
    pictures = root / "images_001" / "images"
    (pictures / "00000001_000.png").unlink()
    colours = np.dstack([picture(2), picture(2), picture(3)])
    (pictures / "00000002_000.png").write_bytes(png(colours))
    (root / "BBox_List_2017.csv").write_text(
        "\n".join([BOXES, *BOXED, "00000003_000.png,Infiltrate,30,60,40,50,,,"]), encoding="utf-8"
    )
    films, report = imported("nih", root)
    assert sorted(films) == ["00000003_000"]
    said = [(r["code"], r["found"]) for r in report["remarks"] if r["code"] in {"ROW-MISSING", "FILM-REFUSED"}]
    assert said == [("ROW-MISSING", "no PNG file of this picture"), ("FILM-REFUSED", "mode RGB with colours or transparency")]


def test_the_dx_file_has_the_pictures_values_and_its_spacing(folder, imported, tmp_path):
    root = folder()
    imported("nih", root)
    path = tmp_path / "cohort" / "films" / "00000001_000.dcm"
    with Image.open(root / "images_001" / "images" / "00000001_000.png") as source:
        assert (read(path).stored == np.asarray(source)).all()
    film = pydicom.dcmread(path)
    assert [float(distance) for distance in film.ImagerPixelSpacing] == pytest.approx(
        [0.143 * 2749 / SIDE, 0.143 * 2682 / SIDE], rel=1e-5
    )
    assert (film.LossyImageCompression, film.PhotometricInterpretation) == ("00", "MONOCHROME2")


@pytest.mark.parametrize("channels", [3, 4])
def test_a_grey_picture_saved_in_colour_is_grey(channels):
    grey = picture(1)
    film = FilmRecord(film_id="x", patient_id="y", view="PA", sex="F", age=40, rows=SIDE, columns=SIDE, origin="drawn")
    stacked = np.dstack([grey] * 3 + [np.full_like(grey, 255)] * (channels - 3))
    assert wrapped_png(png(stacked), film, seed=1) == wrapped_png(png(grey), film, seed=1)


def test_another_header_or_no_picture_gives_one_clear_line(folder, tmp_path):
    with pytest.raises(DataError, match=r"^DATA-FORMAT at BBox_List_2017\.csv: found another header"):
        bring("nih", folder(head="image,label,x,y,w,h"), tmp_path / "cohort", seed=1, progress=lambda done, total: None)
    with pytest.raises(DataError, match=r"^DATA-FORMAT at BBox_List_2017\.csv: found no film that can be used"):
        bring("nih", folder(["x.png,Mass,1,1,1,1,,,"]), tmp_path / "cohort", seed=1, progress=lambda done, total: None)
