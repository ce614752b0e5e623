"""Result, refusal record and overlay: what they must say, and the words they must not."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from device_sw.errors import InferenceFailed, InputRefused
from device_sw.report.content import STATEMENT, conclusion, training_note
from device_sw.report.drawing import PANEL
from device_sw.report.json_report import json_report
from device_sw.report.overlay import overlay
from device_sw.report.refusal import refusal_record
from device_sw.types import Box, Detection, Policy
from tests.device_sw.stand_ins import IDS, FixedDetector, device, settings
from verification.steps import films


@pytest.fixture
def path(tmp_path):
    return films.write(films.film(), tmp_path / "PLANTEDFILE.dcm")


@pytest.fixture
def result(path):
    return device().analyse(path)


@pytest.fixture
def empty(path):
    return device(FixedDetector(found=())).analyse(path)


def test_a_result_names_everything_that_made_it(result):
    value = json_report(result, 7)
    assert value["schema"] == "thoratrace/result/1"
    assert value["input"]["index"] == 7
    assert value["input"]["content_sha256"] == result.film.content_sha256
    assert value["model"]["bundle_sha256"] == "b" * 64
    assert (value["model"]["version"], value["model"]["preprocessing"], value["policy"]) == (
        "1.2.3",
        "tt-default-1",
        "intended-use",
    )
    assert value["model"]["note"] == "Trained on phantom data; a quick training without any performance claim."
    assert value["statement"] == STATEMENT


def test_findings_stand_in_table_order_with_their_state(path):
    trained = IDS[:3] + IDS[6:]
    value = json_report(device(FixedDetector(found=trained), findings=trained).analyse(path), 1)
    assert [row["id"] for row in value["findings"]] == list(IDS)
    states = {row["id"]: row["state"] for row in value["findings"]}
    assert states == dict(
        zip(IDS, ["marked", "not marked", "marked", "not analysed", "not analysed", "not analysed", "marked"], strict=True)
    )


def test_a_detection_has_its_place_score_and_operating_point(result):
    (detection,) = json_report(result, 1)["findings"][0]["detections"]
    assert detection == {
        "finding": IDS[0],
        "name": "Cardiac hypertrophy",
        "box": [153.6, 256.0, 384.0, 409.6],
        "score": 0.9,
        "operating_point": 0.5,
    }


def test_a_result_is_json(result):
    assert json.loads(json.dumps(json_report(result, 1), allow_nan=False)) == json_report(result, 1)


def test_no_mark_is_not_called_anything_else(empty):
    text = json.dumps(json_report(empty, 1))
    assert conclusion(empty).startswith("No finding was marked at the operating points. Looked for: Cardiac hypertrophy, ")
    assert not re.search("normal|healthy|negative|unremarkable", text, re.IGNORECASE)


@pytest.mark.parametrize(("policy", "marked"), [(Policy.RESEARCH, True), (Policy.INTENDED_USE, False)])
def test_only_research_output_is_marked(path, policy, marked):
    value = json_report(device(policy=policy).analyse(path), 1)
    record = refusal_record(refusal(), index=1, policy=policy, device_version="0", bundle_sha256="b")
    assert ("RESEARCH" in json.dumps(value)) == marked
    assert ("RESEARCH" in json.dumps(record)) == marked
    assert value.get("mark") == record.get("mark") == ("RESEARCH" if marked else None)


def test_nothing_planted_comes_out(result, path):
    text = json.dumps(json_report(result, 1)).encode()
    assert [name for name, value in films.planted_bytes(path).items() if value in text] == []


def test_the_training_note_names_the_data():
    assert (
        training_note(settings(profile="coco"))
        == "Trained on data of the profile coco; a quick training without any performance claim."
    )


def refusal():
    parts = {"where": "there", "found": "that", "expected": "this", "repair": "so"}
    error = InputRefused("ADM-VIEW", **parts, also=(InputRefused("ADM-SLOPE", **parts),))
    error.content_sha256, error.sop_instance_uid = "a" * 64, "1.2.3"
    return error


def test_a_refusal_record_tells_every_reason_and_lists_no_detections():
    record = refusal_record(refusal(), index=3, policy=Policy.INTENDED_USE, device_version="0.1.0", bundle_sha256="b" * 64)
    assert (record["status"], record["code"], record["where"], record["found"]) == ("refused", "ADM-VIEW", "there", "that")
    assert [reason["code"] for reason in record["reasons"]] == ["ADM-VIEW", "ADM-SLOPE"]
    assert record["input"] == {"index": 3, "content_sha256": "a" * 64, "sop_instance_uid": "1.2.3"}
    assert "findings" not in record


def test_a_failed_analysis_is_not_called_a_refusal():
    error = InferenceFailed("INF-NONFINITE", where="network", found="NaN", expected="numbers", repair="self-test")
    record = refusal_record(error, index=3, policy=Policy.INTENDED_USE, device_version="0.1.0", bundle_sha256="b" * 64)
    assert (record["status"], record["code"]) == ("failed", "INF-NONFINITE")


def film_area(page, result):
    """Return the left film of the page as an array, found by its known place below banner and title."""
    rows, columns = result.picture.shape
    height, width = round(PANEL * rows / max(rows, columns)), round(PANEL * columns / max(rows, columns))
    top = 2 * 24 + 20 + 20 + 24
    return np.asarray(page)[top : top + height, 20 : 20 + width]


def test_the_overlay_keeps_the_films_proportions(tmp_path):
    dataset = films.film(films.picture(900, 600))
    result = device().analyse(films.write(dataset, tmp_path / "film.dcm"))
    page = overlay(result)
    assert page.width == 2 * 600 + 3 * 20
    assert film_area(page, result).shape == (900, 600, 3)


def test_the_inside_of_a_box_is_not_painted(empty):
    """One detection alone: within its outline the film is what it is without any detection."""
    box = Box(100.0, 150.0, 300.0, 350.0)
    one = replace(empty, detections=(Detection(IDS[4], box, 0.8),))
    before, after = film_area(overlay(empty), empty), film_area(overlay(one), one)
    scale = PANEL / 512
    x0, y0, x1, y1 = (round(edge * scale) for edge in box.as_tuple())
    assert np.array_equal(before[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5], after[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5])
    assert not np.array_equal(before[y0 : y1 + 1, x0 : x1 + 1], after[y0 : y1 + 1, x0 : x1 + 1])


def test_a_film_without_marks_is_shown_as_it_is(empty):
    area = film_area(overlay(empty), empty)
    shrunk = np.asarray(Image.fromarray(area).convert("L").resize((512, 512), Image.Resampling.BOX)) / 255
    assert np.array_equal(area[..., 0], area[..., 2])
    assert np.abs(shrunk - empty.picture).mean() < 0.02


def test_research_has_a_red_banner(path):
    colours = [overlay(device(policy=policy).analyse(path)).getpixel((2, 2)) for policy in (Policy.RESEARCH, Policy.INTENDED_USE)]
    assert colours[0][0] > 150 > colours[0][1]
    assert max(colours[1]) - min(colours[1]) < 20


@pytest.mark.parametrize("boxes", [[(0, 0, 512, 512)], [(0, 0, 1, 1)], [(511, 511, 512, 512)], [(10, 10, 500, 500)] * 40])
def test_any_box_can_be_drawn(empty, boxes):
    result = replace(empty, detections=tuple(Detection(IDS[n % 7], Box(*map(float, box)), 0.9) for n, box in enumerate(boxes)))
    assert overlay(result).mode == "RGB"


def test_a_page_without_heat_map_says_so(empty):
    with_map, without = overlay(empty), overlay(replace(empty, heat_map=None))
    assert np.asarray(with_map)[200, 1400].tolist() != np.asarray(without)[200, 1400].tolist()
