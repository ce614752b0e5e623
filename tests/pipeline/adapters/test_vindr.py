"""The VinDr-CXR adapter brings readers together by a stated rule, keeps the official test films and completes stripped headers to DX."""

from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.adapters.cohort_film import APICAL, NOT_APICAL
from pipeline.adapters.errors import DataError
from pipeline.adapters.importing import bring
from pipeline.adapters.vindr import NO_SITE, ONE_READER, OTHER_AORTA
from tests.pipeline.adapters.drawn import COLUMNS, ROWS, thorax

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR UI")

TRAIN = "image_id,rad_id,class_name,x_min,y_min,x_max,y_max"
TEST = "image_id,class_name,x_min,y_min,x_max,y_max"
HEART = (120, 220, 300, 340)
NAMES = [f"{number:032x}" for number in range(1, 10)]


def stripped(image_id, seed):
    """A DICOM file as the set publishes it: hexadecimal instance id, no SOP class, study or modality in the data set, spacing and window kept."""
    dataset = Dataset()
    values = {
        "PatientSex": "M",
        "PatientAge": "061Y",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "PixelSpacing": [0.139, 0.139],
        "BitsAllocated": 16,
        "BitsStored": 14,
        "HighBit": 13,
        "PixelRepresentation": 0,
        "WindowCenter": "8190",
        "WindowWidth": "16000",
        "RescaleIntercept": "0",
        "RescaleSlope": "1",
        "PixelData": (thorax(seed) * 16000).astype("uint16").tobytes(),
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    dataset.file_meta.MediaStorageSOPInstanceUID = image_id
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes the two tables and a film for each image they name, and returns the folder."""

    def write(train, test=(), *, files=True):
        root = tmp_path / "vindr"
        (root / "annotations").mkdir(parents=True, exist_ok=True)
        for split, head, rows in (("train", TRAIN, train), ("test", TEST, test)):
            (root / split).mkdir(exist_ok=True)
            lines = [",".join(str(cell) for cell in row) for row in rows]
            if rows or split == "train":
                (root / "annotations" / f"annotations_{split}.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")
            for name in {row[0] for row in rows} if files else ():
                (root / split / f"{name}.dicom").write_bytes(stripped(name, NAMES.index(name)))
        return root

    return write


def read_by(name, *readers, label="No finding", box=("", "", "", "")):
    return [(name, reader, label, *box) for reader in readers]


def moved(box, by):
    return tuple(edge + by for edge in box)


def test_two_readers_in_one_place_make_a_finding_with_their_median(folder, imported):
    rows = [
        (NAMES[0], "R1", "Cardiomegaly", *HEART),
        (NAMES[0], "R2", "Cardiomegaly", *moved(HEART, 10)),
        *read_by(NAMES[0], "R3"),
    ]
    films, _ = imported("vindr", folder(rows))
    film = films[f"vindr-{NAMES[0]}"]
    assert [(box.finding, box.box) for box in film.boxes] == [("cardiac_hypertrophy", (125.0, 225.0, 305.0, 345.0))]
    assert film.status["lung_field_infiltration"] == 0
    assert {film.status[name] for name in ("aortic_curvature", "aortic_atherosclerosis_calcification", "scoliosis")} == {None}


def test_a_box_of_one_reader_alone_is_left_out_and_the_finding_unknown(folder, imported):
    films, report = imported("vindr", folder([(NAMES[0], "R1", "Cardiomegaly", *HEART), *read_by(NAMES[0], "R2", "R3")]))
    assert films[f"vindr-{NAMES[0]}"].status["cardiac_hypertrophy"] is None
    assert report["excluded_boxes"] == [
        {"split": films[f"vindr-{NAMES[0]}"].split, "class": "Cardiomegaly", "reason": ONE_READER, "boxes": 1}
    ]


def test_a_look_alike_leaves_infiltration_unknown(folder, imported):
    rows = [(NAMES[0], reader, "Lung Opacity", 60, 120, 110, 190) for reader in ("R1", "R2", "R3")]
    films, _ = imported("vindr", folder(rows))
    assert films[f"vindr-{NAMES[0]}"].status["lung_field_infiltration"] is None
    assert films[f"vindr-{NAMES[0]}"].status["cardiac_hypertrophy"] == 0


def test_a_film_that_one_reader_read_is_unknown(folder, imported):
    films, report = imported("vindr", folder(read_by(NAMES[0], "R1")))
    assert set(films[f"vindr-{NAMES[0]}"].status.values()) == {None}
    assert [row["code"] for row in report["remarks"]] == ["ROW-READERS"]


def test_the_official_test_films_stay_test_with_their_consensus(folder, imported):
    train = [row for name in NAMES[:8] for row in read_by(name, "R1", "R2", "R3")]
    test = [
        (NAMES[8], "Cardiomegaly", *HEART),
        (NAMES[8], "Pleural thickening", 100, 20, 160, 90),
        (NAMES[8], "Pleural thickening", 100, 300, 160, 390),
    ]
    films, report = imported("vindr", folder(train, test))
    assert {name for name, film in films.items() if film.split == "test"} == {f"vindr-{NAMES[8]}"}
    assert {box.finding for box in films[f"vindr-{NAMES[8]}"].boxes} == {"cardiac_hypertrophy", APICAL}
    assert {"split": "test", "class": "Pleural thickening", "reason": NOT_APICAL, "boxes": 1} in report["excluded_boxes"]


def test_classes_that_are_not_ours_are_counted_with_their_reason(folder, imported):
    rows = [
        (NAMES[0], reader, label, 150, 80, 220, 200)
        for reader in ("R1", "R2")
        for label in ("Aortic enlargement", "Calcification", "Rib fracture")
    ]
    _, report = imported("vindr", folder(rows))
    reasons = {row["class"]: (row["reason"], row["boxes"]) for row in report["excluded_boxes"]}
    assert reasons == {
        "Aortic enlargement": (OTHER_AORTA, 2),
        "Calcification": (NO_SITE, 2),
        "Rib fracture": ("class is none of the seven findings", 2),
    }


@pytest.mark.parametrize(
    "row",
    [
        ("R4", "Cardiomegaly", 300, 220, 120, 340),
        ("R4", "Cardiomegaly", "", "", "", ""),
        ("R4", "Cardiomegaly", 390, 220, 600, 340),
        ("", "Cardiomegaly", *HEART),
        ("R1", "Cardiomegaly", *HEART),
    ],
)
def test_what_a_row_names_that_cannot_be_used_is_unknown_and_no_negative(folder, imported, row):
    films, _ = imported("vindr", folder([*read_by(NAMES[0], "R1", "R2", "R3"), (NAMES[0], *row)]))
    status = films[f"vindr-{NAMES[0]}"].status
    assert (status["cardiac_hypertrophy"], status["lung_field_infiltration"]) == (None, 0)


def test_a_row_of_no_known_class_may_mean_any_finding(folder, imported):
    films, _ = imported("vindr", folder([*read_by(NAMES[0], "R1", "R2", "R3"), (NAMES[0], "R4", "Cardio", *HEART)]))
    assert set(films[f"vindr-{NAMES[0]}"].status.values()) == {None}


@pytest.mark.parametrize(
    "rows",
    [
        [("Cardiomegaly", 300, 220, 120, 340)],
        [("No finding", "", "", "", ""), ("Cardiomegaly", *HEART)],
    ],
)
def test_a_consensus_that_is_broken_or_contradicts_itself_says_nothing(folder, imported, rows):
    train = [row for name in NAMES[:8] for row in read_by(name, "R1", "R2", "R3")]
    films, _ = imported("vindr", folder(train, [(NAMES[8], *row) for row in rows]))
    film = films[f"vindr-{NAMES[8]}"]
    assert film.boxes == ()
    assert set(film.status.values()) == {None}


@pytest.mark.parametrize(
    ("row", "code", "found"),
    [
        ((NAMES[0], "R1", "No finding", "", "", "", ""), "ROW-DUPLICATE", "as annotations_train.csv:2"),
        ((NAMES[0], "R1", "Cardiomegaly", *HEART), "ROW-CONTRADICTION", "no finding and a finding of one reader"),
        ((NAMES[0], "R4", "Cardiomegaly", 300, 220, 120, 340), "ROW-BOX", "Cardiomegaly: a box without width or height"),
        ((NAMES[0], "R4", "Cardiomegaly", "nan", 220, 300, 340), "ROW-BOX", "Cardiomegaly: corners that are not finite"),
        ((NAMES[0], "R4", "Cardiomegaly", "", "", "", ""), "ROW-BOX", "Cardiomegaly: corners that are not four numbers"),
        ((NAMES[0], "R4", "Cardiomegaly", 390, 220, 600, 340), "ROW-BOX", "Cardiomegaly: a box that leaves the film"),
        ((NAMES[0], "R4", "Cardiomegaly", 300, 220, 402, 340), "ROW-BOX", "Cardiomegaly: a box that leaves the film a little"),
        ((NAMES[0], "R4", "Cardio", *HEART), "ROW-LABEL", "a class that VinDr-CXR does not have"),
        ((NAMES[0], "", "Cardiomegaly", *HEART), "ROW-MISSING", "no rad_id"),
        (("", "R1", "Cardiomegaly", *HEART), "ROW-MISSING", "no image_id that could be a file"),
        (("../x", "R1", "Cardiomegaly", *HEART), "ROW-MISSING", "no image_id that could be a file"),
    ],
)
def test_an_odd_row_is_named(folder, imported, row, code, found):
    root = folder([*read_by(NAMES[0], "R1", "R2", "R3")])
    table = root / "annotations" / "annotations_train.csv"
    table.write_text(table.read_text() + ",".join(str(cell) for cell in row) + "\n", encoding="utf-8")
    films, report = imported("vindr", root)
    assert [(remark["code"], remark["found"]) for remark in report["remarks"]] == [(code, found)]
    assert len(films) == 1


def test_a_film_without_a_file_is_named(folder, imported):
    root = folder([*read_by(NAMES[0], "R1", "R2"), *read_by(NAMES[1], "R1", "R2")])
    (root / "train" / f"{NAMES[1]}.dicom").unlink()
    films, report = imported("vindr", root)
    assert len(films) == 1
    assert [(r["where"], r["found"]) for r in report["remarks"]] == [
        ("annotations_train.csv:4, annotations_train.csv:5", "no DICOM file of this image")
    ]


def test_the_competitions_table_is_read_too(folder, imported):
    root = folder(read_by(NAMES[0], "R1", "R2", "R3"))
    (root / "annotations" / "annotations_train.csv").unlink()
    lines = [
        "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max",
        *(f"{NAMES[0]},No finding,14,{reader},,,," for reader in ("R1", "R2")),
    ]
    (root / "train.csv").write_text("\n".join(lines), encoding="utf-8")
    films, report = imported("vindr", root)
    assert films[f"vindr-{NAMES[0]}"].status["cardiac_hypertrophy"] == 0
    assert report["sources"]["train.csv"]["rows"] == 2


def test_a_stripped_header_is_completed_and_says_what_was_assumed(folder, imported, tmp_path):
    imported("vindr", folder(read_by(NAMES[0], "R1", "R2")))
    film = pydicom.dcmread(tmp_path / "cohort" / "films" / f"vindr-{NAMES[0]}.dcm")
    assert (film.Modality, film.ViewPosition, film.PatientAge, film.PatientSex) == ("DX", "PA", "061Y", "M")
    assert [float(distance) for distance in film.ImagerPixelSpacing] == [0.139, 0.139]
    assert "assumed" in film.ImageComments
    assert film.SOPInstanceUID.is_valid


def test_a_folder_without_tables_or_films_gives_one_clear_line(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"^DATA-MISSING at annotations_train\.csv: found no file"):
        bring("vindr", tmp_path / "empty", tmp_path / "cohort", seed=1, progress=lambda done, total: None)
    with pytest.raises(DataError, match=r"^DATA-FORMAT at annotations: found no film that can be used"):
        bring(
            "vindr", folder(read_by(NAMES[0], "R1"), files=False), tmp_path / "cohort", seed=1, progress=lambda done, total: None
        )
    root = folder(read_by(NAMES[0], "R1", "R2"), [(NAMES[0], "No finding", "", "", "", "")])
    with pytest.raises(DataError, match=r"^DATA-SPLIT at annotations: found 1 images in both tables"):
        bring("vindr", root, tmp_path / "cohort", seed=1, progress=lambda done, total: None)
