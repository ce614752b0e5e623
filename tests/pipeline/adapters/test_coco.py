"""The COCO adapter maps by stated rules, counts what it leaves out, wraps without touching a pixel and refuses broken folders in one line."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from device_sw.dicom.reader import read
from device_sw.findings import all_findings
from pipeline.adapters import coco
from pipeline.adapters.cohort_film import APICAL
from pipeline.adapters.dx import FilmRecord
from pipeline.adapters.errors import DataError
from pipeline.adapters.importing import bring
from pipeline.adapters.wrap import wrapped
from validation import cohort

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "cxr_boxes"


pytestmark = pytest.mark.usefixtures("without_page")


@pytest.fixture
def imported(coco_folder, tmp_path):
    def run(name="cohort", seed=1):
        seen = []
        bring("coco", coco_folder(), tmp_path / name, seed=seed, progress=lambda done, total: seen.append((done, total)))
        assert seen[-1] == (8, 8)
        return tmp_path / name

    return run


def films_of(folder):
    return {film.film_id: film for film in cohort.load(folder / "cohort.json").films}


def test_the_mapping_covers_exactly_the_devices_findings():
    assert set(coco.FINDING_OF.values()) == {finding.id for finding in all_findings()}


def test_primary_boxes_of_our_classes_are_kept_in_film_pixels(imported):
    film = films_of(imported())["00000001_000"]
    assert [(box.finding, box.box) for box in film.boxes] == [("lung_field_infiltration", (100.0, 150.5, 180.0, 240.5))]
    assert film.status["lung_field_infiltration"] == 1
    assert film.status["cardiac_hypertrophy"] == 0
    assert film.status["scoliosis"] is None


def test_pleural_thickening_is_ours_only_in_the_upper_third(imported):
    films = films_of(imported())
    assert films["00000002_000"].status[APICAL] == 1
    assert films["00000003_000"].status[APICAL] is None
    assert films["00000003_000"].boxes == ()
    assert films["00000001_000"].status[APICAL] == 0


def test_a_disputed_film_is_not_scored_and_says_why(imported):
    film = films_of(imported())["00000004_000"]
    assert not film.scored
    assert film.exclusion == coco.DISPUTED
    assert film.status["lung_field_infiltration"] is None


def test_a_box_that_contradicts_its_status_is_left_out_and_the_status_unknown(imported, coco_splits):
    coco_splits["test"]["images"][0]["status"]["lung_infiltration"] = 0
    folder = imported()
    assert films_of(folder)["00000008_000"].status["lung_field_infiltration"] is None
    report = json.loads((folder / "dataset_report.json").read_text())
    expected = {"split": "test", "class": "lung_infiltration", "reason": coco.CONTRADICTED, "boxes": 1}
    assert expected in report["excluded_boxes"]


def test_every_source_box_is_kept_or_counted(imported, coco_splits):
    folder = imported()
    report = json.loads((folder / "dataset_report.json").read_text())
    kept = sum(len(film.boxes) for film in films_of(folder).values())
    assert kept + sum(row["boxes"] for row in report["excluded_boxes"]) == sum(
        len(value["annotations"]) for value in coco_splits.values()
    )
    assert report["splits"]["train"]["films"] == 6
    assert report["unscored_films"] == [{"split": "train", "reason": coco.DISPUTED, "films": 1}]
    assert (
        "1 boxes left out: pleural thickening outside the upper third of the image." in cohort.load(folder / "cohort.json").notes
    )


def test_the_same_folder_gives_the_same_bytes_and_another_seed_other_uids(imported):
    first, again, other = imported("a"), imported("b"), imported("c", seed=2)
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert all((first / name).read_bytes() == (again / name).read_bytes() for name in names)
    uids = [pydicom.dcmread(folder / "films" / "00000001_000.dcm").SOPInstanceUID for folder in (first, other)]
    assert uids[0] != uids[1]


def test_the_jpeg_stream_is_wrapped_byte_for_byte_and_labelled(imported, coco_folder):
    file = pydicom.dcmread(imported() / "films" / "00000002_000.dcm")
    jpeg = (coco_folder() / "images" / "00000002_000.jpg").read_bytes()
    assert next(pydicom.encaps.generate_frames(file.PixelData, number_of_frames=1))[: len(jpeg)] == jpeg
    assert list(file.ImageType) == ["DERIVED", "PRIMARY", ""]
    assert (file.LossyImageCompression, file.PhotometricInterpretation, file.ViewPosition) == ("01", "MONOCHROME2", "AP")
    assert "wrapped unchanged" in file.DerivationDescription
    assert file.ViewCodeSequence[0].CodeMeaning == "antero-posterior"
    assert "ImagerPixelSpacing" not in file
    assert "PatientAge" in file
    assert "PatientAge" not in pydicom.dcmread(imported() / "films" / "00000006_000.dcm")


def test_the_devices_reader_sees_the_pictures_own_values(imported, coco_folder):
    film = read(imported() / "films" / "00000001_000.dcm")
    with Image.open(coco_folder() / "images" / "00000001_000.jpg") as picture:
        # Two decoders may round the inverse cosine transform differently by one grey level.
        assert np.abs(film.stored - np.asarray(picture).astype(int)).max() <= 1


def remove(name):
    return lambda folder: (folder / name).unlink()


def rewrite(name, text):
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove("val.json"), r"^DATA-MISSING at val\.json: found no file"),
        (remove("images/00000003_000.jpg"), r"^DATA-MISSING at images/00000003_000\.jpg: found 1 of 8 images missing"),
        (rewrite("test.json", "{"), r"^DATA-FORMAT at test\.json: found JSONDecodeError"),
        (rewrite("test.json", "{}"), r"^DATA-FORMAT at test\.json: found KeyError"),
        (rewrite("images/00000003_000.jpg", "no picture"), r"^DATA-IMAGE at 00000003_000: found no JPEG frame, no end of image"),
    ],
)
def test_a_broken_folder_gives_one_clear_line(coco_folder, tmp_path, damage, message):
    folder = coco_folder()
    damage(folder)
    with pytest.raises(DataError, match=message) as caught:
        bring("coco", folder, tmp_path / "cohort", seed=1, progress=lambda done, total: None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cohort" / "cohort.json").exists()


def test_a_missing_folder_gives_one_clear_line(tmp_path):
    with pytest.raises(DataError, match=r"^DATA-MISSING at nowhere: found no folder"):
        bring("coco", tmp_path / "nowhere", tmp_path / "cohort", seed=1, progress=lambda done, total: None)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda s: s["train"]["annotations"][0].update(bbox=[1, 1, 0, 5]),
            r"^DATA-BOX at train\.json \$\.annotations\[0\]: found bbox \[1, 1, 0, 5\]",
        ),
        (lambda s: s["train"]["annotations"][0].update(bbox=[1, 1, float("nan"), 5]), r"^DATA-BOX .*nan"),
        (
            lambda s: s["train"]["annotations"][0].update(bbox=[500, 1, 500, 5]),
            r"^DATA-BOX at train\.json \$\.images\[0\]: .*outside 576 x 576",
        ),
        (lambda s: s["train"]["annotations"][0].update(image_id=99), r"^DATA-FORMAT .*an image_id that no image has"),
        (lambda s: s["train"]["annotations"][0].update(category_id=99), r"^DATA-FORMAT .*a category_id that no category has"),
        (lambda s: s["train"]["annotations"][0].pop("primary"), r"^DATA-FORMAT .*no primary"),
        (lambda s: s["val"]["images"][0].pop("status"), r"^DATA-FORMAT at val\.json \$\.images\[0\]: found no status"),
        (lambda s: s["val"]["images"][0]["status"].update(scoliosis=2), r"^DATA-FORMAT .*a status that is not 0, 1 or null"),
        (lambda s: s["val"]["images"][0].update(view="LL"), r"^DATA-FORMAT at 00000007_000: found view 'LL', expected PA or AP"),
        (lambda s: s["val"]["images"][0].update(width=600), r"^DATA-IMAGE at 00000007_000: found frame FFC0, 8 bits, 576 x 576"),
        (lambda s: s["val"]["images"][0].update(patient="0001"), r"^DATA-SPLIT at images: found 1 patients in two splits"),
        (
            lambda s: s["train"]["images"].append(s["train"]["images"][0]),
            r"^DATA-DUPLICATE at images: found 1 images listed twice",
        ),
    ],
)
def test_annotations_that_cannot_be_are_named(coco_folder, coco_splits, tmp_path, damage, message):
    damage(coco_splits)
    with pytest.raises(DataError, match=message):
        bring("coco", coco_folder(), tmp_path / "cohort", seed=1, progress=lambda done, total: None)


@pytest.mark.parametrize("options", [{"progressive": True}, {"mode": "RGB"}])
def test_a_jpeg_that_is_not_grey_baseline_is_refused(options):
    buffer = BytesIO()
    Image.new(options.pop("mode", "L"), (64, 64)).save(buffer, "jpeg", **options)
    picture = FilmRecord(film_id="x", patient_id="y", view="PA", sex="F", age=40, rows=64, columns=64, origin="drawn")
    with pytest.raises(DataError, match="DATA-IMAGE at x: found frame FFC"):
        wrapped(buffer.getvalue(), picture, seed=1)


@pytest.mark.real_data
def test_the_real_films_import_completely(tmp_path):
    if not REAL.is_dir():
        pytest.skip(f"real films not found beside the checkout ({REAL.name})")
    bring("coco", REAL, tmp_path, seed=1, progress=lambda done, total: None)
    found = cohort.load(tmp_path / "cohort.json")
    assert {split: len(found.of_split(split)) for split in cohort.SPLITS} == {"train": 572, "val": 158, "test": 222}
    boxes = [box for film in found.of_split("test") for box in film.boxes_of("lung_field_infiltration")]
    assert len(boxes) == 61
    report = json.loads((tmp_path / "dataset_report.json").read_text())
    kept = sum(len(film.boxes) for film in found.films)
    assert kept + sum(row["boxes"] for row in report["excluded_boxes"]) == 537
    assert read(tmp_path / found.films[0].path).stored.shape == (1024, 1024)
