"""The table of the input contract: each row has a film that it alone refuses, and the policies keep their order."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device_sw.dicom import admission
from device_sw.dicom.admission import RULES, Evidence, Outcome, judge, refuse
from device_sw.dicom.orientation import INVERTED, LIKENESS, MIRRORED, TURNED, UNCLEAR, WAYS, Orientation, orientation
from device_sw.dicom.radiograph import Age, FilmAttributes, Window
from device_sw.errors import InputRefused
from device_sw.types import Policy
from verification.steps.films import picture

ROOT = Path(__file__).resolve().parents[3]
CHEST = (picture() / 4095).astype(np.float32)
STORED = picture().astype(np.int32)
GOOD = FilmAttributes(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1", sop_instance_uid="1.2.3", modality="DX", image_type=("ORIGINAL", "PRIMARY"), body_part="CHEST",
    view_position="PA", patient_orientation=("L", "F"), age=Age(60.0, "age"), patient_id_stated=True, burned_in="NO", photometric="MONOCHROME2",
    presentation_shape="IDENTITY", pixel_relationship="LIN", samples=1, frames=1, rows=512, columns=512, bits_allocated=16, bits_stored=12, high_bit=11,
    signed=False, padding=None, spacing=(0.2, 0.2), rescale_slope=1.0, rescale_intercept=0.0, modality_lut=None, windows=(Window(2048.0, 4096.0),),
    voi_function="LINEAR", voi_luts=(), transfer_syntax="1.2.840.10008.1.2.1", lossy=False, text_faults=(), identity_faults=(), cautions=(),
)  # fmt: skip


def diminished(share):
    """Return the chest with even borders, its field that share of either side."""
    side = round(512 * share)
    picture = np.zeros_like(CHEST)
    picture[:side, 512 - side :] = CHEST[:side, :side]
    return picture


FILMS = {
    "ADM-SOP-CLASS": [
        {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2"},
        {"sop_class_uid": ""},
        {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.1.1.1"},
    ],
    "ADM-MODALITY": [{"modality": "CT"}, {"modality": ""}, {"modality": "Doe^John"}],
    "ADM-INTENT": [{"intent": "FOR PROCESSING"}],
    "ADM-SECONDARY": [{"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}, {"image_type": ("DERIVED", "SECONDARY")}],
    "ADM-COLOUR": [
        {"photometric": "RGB", "samples": 3},
        {"photometric": "YBR_FULL_422", "samples": 3},
        {"photometric": "PALETTE COLOR"},
    ],
    "ADM-PHOTOMETRIC": [{"photometric": ""}, {"photometric": "MONOCHROME3"}],
    "ADM-FRAMES": [{"frames": 2}, {"frames": 0}],
    "ADM-BODY-PART": [{"body_part": "KNEE"}, {"body_part": "ABDOMEN"}],
    "ADM-BODY-PART-MISSING": [{"body_part": ""}],
    "ADM-VIEW": [{"view_position": view} for view in ("LL", "RL", "LLD", "RLD", "LATERAL", "XTABLE")],
    "ADM-VIEW-MISSING": [{"view_position": ""}],
    "ADM-CHILD": [{"age": Age(17.99, "age")}, {"age": Age(0.0, "dates")}, {"age": Age(12.0, "bare-number")}],
    "ADM-AGE-RANGE": [{"age": Age(121.0, "age")}, {"age": Age(999.0, "bare-number")}],
    "ADM-AGE-MISSING": [{"age": Age(None, "none")}, {"age": Age(62.0, "bare-number")}],
    "ADM-IDENTITY": [{"identity_faults": ("(0008,0018) SOPInstanceUID",)}],
    "ADM-INSTANCE": [{"sop_instance_uid": ""}],
    "ADM-PATIENT": [{"patient_id_stated": False}],
    "ADM-TEXT": [{"text_faults": ("(0008,1030) StudyDescription",)}],
    "ADM-SIZE": [{"rows": 399}, {"columns": 399}],
    "ADM-SMALL": [{"rows": 450}],
    "ADM-ASPECT": [{"rows": 1025}, {"columns": 2000, "rows": 900}],
    "ADM-WINDOW-WIDTH": [{"windows": (Window(1.0, 0.0),)}, {"windows": (Window(1.0, -50.0),)}, {"windows": (Window(1.0, 0.5),)}],
    "ADM-WINDOW-MISSING": [{"windows": ()}, {"windows": (), "pixel_relationship": "LOG"}],
    "ADM-VOI-FUNCTION": [{"voi_function": "GAMMA"}],
    "ADM-SLOPE": [{"rescale_slope": 0.0}],
    "ADM-SPACING": [{"spacing": (0.0, 0.0)}, {"spacing": (0.2, -0.2)}],
    "ADM-ORIENTATION": [
        {"patient_orientation": ("R", "F")},
        {"patient_orientation": ("L", "H")},
        {"patient_orientation": ("P", "F")},
    ],
    "ADM-ORIENTATION-MISSING": [{"patient_orientation": ()}, {"patient_orientation": ("",)}],
    "ADM-POLARITY-TAGS": [{"presentation_shape": "INVERSE"}, {"photometric": "MONOCHROME1"}, {"presentation_shape": "LIN OD"}],
    "ADM-BURNED-IN": [{"burned_in": "YES"}],
    "ADM-LOSSY": [{"lossy": True}],
}
"""For each rule of the header films that differ from a good one only so that this rule applies."""

SIDELESS = np.concatenate([CHEST[:, :256], CHEST[:, :256][:, ::-1]], axis=1)
SIDELESS[300:310, 100:130] += 0.05
"""A chest whose two halves are alike but for a small spot, which decides the side by a hair."""
if orientation(SIDELESS).mirrored <= UNCLEAR:
    SIDELESS = SIDELESS[:, ::-1]

PICTURES = {
    "ADM-GREY-LEVELS": [{"stored": np.full((512, 512), 7, np.int32)}, {"stored": STORED * 62 // 4095}],
    "ADM-COLLIMATED": [{"picture": diminished(0.6)}, {"picture": 1.0 - diminished(0.3)}],
    "ADM-POLARITY": [{"picture": 1.0 - CHEST}],
    "ADM-PICTURE": [
        {"picture": np.zeros_like(CHEST)},
        {"picture": np.random.default_rng(1).random((512, 512), dtype=np.float32)},
    ],
    "ADM-ROTATED": [{"picture": np.rot90(CHEST)}, {"picture": np.rot90(CHEST, -1)}, {"picture": CHEST[::-1, ::-1]}],
    "ADM-MIRRORED": [{"picture": CHEST[:, ::-1]}],
    "ADM-SIDE-UNCLEAR": [{"picture": SIDELESS}],
}
"""The same for rules about pixels."""

CASES = [(code, {"attributes": replace(GOOD, **change)}) for code, changes in FILMS.items() for change in changes]
CASES += [(code, change) for code, changes in PICTURES.items() for change in changes]


def evidence(policy, **changes):
    return Evidence(**{"attributes": GOOD, "policy": policy, "stored": STORED, "picture": CHEST, **changes})


def rule(code):
    return next(row for row in RULES if row.code == code)


def codes(verdict):
    return {reason.code for reason in verdict.reasons}, {caution.split(":")[0] for caution in verdict.cautions}


@pytest.mark.parametrize("policy", list(Policy))
def test_a_good_film_passes_without_a_word(policy):
    assert judge(evidence(policy)) == judge(evidence(policy, stored=None, picture=None))
    assert codes(judge(evidence(policy))) == (set(), set())


def test_every_rule_has_a_film_that_it_concerns():
    assert set(FILMS) | set(PICTURES) == {row.code for row in RULES}


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize(("code", "change"), CASES)
def test_a_film_gets_what_its_rule_says(policy, code, change):
    refused, cautioned = codes(judge(evidence(policy, **change)))
    outcome = rule(code).outcome(policy)
    assert (code in refused) == (outcome is Outcome.REFUSE)
    assert (code in cautioned) == (outcome is Outcome.CAUTION)


@pytest.mark.parametrize(
    ("rows", "policy", "admitted"),
    [(512, "intended-use", True), (511, "intended-use", False), (400, "research", True), (399, "research", False)],
)
def test_the_size_limit_is_the_policys(rows, policy, admitted):
    refused, _ = codes(judge(evidence(Policy(policy), attributes=replace(GOOD, rows=rows))))
    assert ("ADM-SIZE" not in refused) == admitted


def test_eighteen_years_are_adult():
    assert codes(judge(evidence(Policy.INTENDED_USE, attributes=replace(GOOD, age=Age(18.0, "dates")))))[0] == set()


def test_research_is_never_stricter():
    order = [Outcome.NOTHING, Outcome.CAUTION, Outcome.REFUSE]
    stricter = [
        row.code for row in RULES if order.index(row.research) > order.index(row.intended_use) and row.research is Outcome.REFUSE
    ]
    assert stricter == []


def test_codes_are_unique_and_named_by_one_scheme():
    all_codes = [row.code for row in RULES]
    assert len(set(all_codes)) == len(all_codes)
    assert all(re.fullmatch("ADM-[A-Z-]+", code) for code in all_codes)


def test_every_rule_implements_a_control_of_the_risk_file():
    table = tomllib.loads((ROOT / "risk" / "data" / "controls.toml").read_text(encoding="utf-8"))
    assert {row.control for row in RULES} <= {control["id"] for control in table["control"]}


def test_all_reasons_are_told_in_table_order_and_the_first_is_primary():
    film = replace(GOOD, modality="CT", view_position="LL", windows=(Window(1.0, 0.0),), spacing=(0.0,))
    with pytest.raises(
        InputRefused, match=r"^ADM-MODALITY at \(0008,0060\) Modality: found CT, expected CR or DX\. Repair: send a radiograph\.$"
    ) as caught:
        refuse(judge(evidence(Policy.INTENDED_USE, attributes=film)).reasons)
    assert [reason.code for reason in caught.value.also] == ["ADM-VIEW", "ADM-WINDOW-WIDTH", "ADM-SPACING"]


def test_nothing_to_refuse_is_no_error():
    assert refuse(()) is None


@pytest.mark.parametrize("field", ["modality", "view_position", "body_part", "photometric", "voi_function", "presentation_shape"])
def test_a_value_that_is_no_code_string_is_not_repeated(field):
    verdict = judge(evidence(Policy.INTENDED_USE, attributes=replace(GOOD, **{field: "Miller^Zoe"})))
    assert verdict.reasons
    assert all("Zoe" not in str(reason) for reason in verdict.reasons)


def test_rules_about_pixels_are_silent_before_there_are_pixels():
    bare = judge(evidence(Policy.INTENDED_USE, stored=None, picture=None, attributes=replace(GOOD, modality="CT")))
    assert codes(bare)[0] == {"ADM-MODALITY"}


WORDS = [
    ("ADM-SOP-CLASS", {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2"}, "CT Image Storage"),
    ("ADM-SOP-CLASS", {"sop_class_uid": ""}, "no SOP class"),
    ("ADM-SOP-CLASS", {"sop_class_uid": "1.2.3.4"}, "an unknown SOP class"),
    ("ADM-SOP-CLASS", {"sop_class_uid": "Miller^Zoe"}, "an unknown SOP class"),
    ("ADM-MODALITY", {"modality": "CT"}, "CT"),
    ("ADM-MODALITY", {"modality": ""}, "no value"),
    ("ADM-MODALITY", {"modality": "Miller^Zoe"}, "a value outside the defined terms"),
    ("ADM-SECONDARY", {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}, "a Secondary Capture"),
    ("ADM-SECONDARY", {"image_type": ("DERIVED", "SECONDARY", "OTHER")}, "DERIVED\\SECONDARY"),
    ("ADM-COLOUR", {"photometric": "RGB", "samples": 3}, "RGB, 3 samples a pixel"),
    ("ADM-COLOUR", {"samples": 2}, "MONOCHROME2, 2 samples a pixel"),
    ("ADM-PHOTOMETRIC", {"photometric": ""}, "no value"),
    ("ADM-FRAMES", {"frames": 2}, "2 frames"),
    ("ADM-BODY-PART", {"body_part": "KNEE"}, "KNEE"),
    ("ADM-BODY-PART-MISSING", {"body_part": ""}, "not stated"),
    ("ADM-VIEW", {"view_position": "LL"}, "LL"),
    ("ADM-VIEW-MISSING", {"view_position": ""}, "not stated"),
    ("ADM-CHILD", {"age": Age(17.99, "age")}, "an age below 18 years"),
    ("ADM-INTENT", {"intent": "FOR PROCESSING"}, "FOR PROCESSING"),
    ("ADM-AGE-RANGE", {"age": Age(121.0, "age")}, "an age above 120 years"),
    ("ADM-AGE-MISSING", {"age": Age(None, "none")}, "not stated"),
    ("ADM-AGE-MISSING", {"age": Age(62.0, "bare-number")}, "a number without unit"),
    ("ADM-IDENTITY", {"identity_faults": ("A", "B")}, "another object than the file meta information names, at A, B"),
    ("ADM-INSTANCE", {"sop_instance_uid": ""}, "no valid UID"),
    ("ADM-PATIENT", {"patient_id_stated": False}, "empty"),
    ("ADM-TEXT", {"text_faults": ("A", "B")}, "text that the standard does not allow, at A, B"),
    ("ADM-SIZE", {"rows": 399}, "399 x 512"),
    ("ADM-SMALL", {"columns": 450}, "512 x 450"),
    ("ADM-ASPECT", {"rows": 1025}, "512 by 1025"),
    ("ADM-WINDOW-WIDTH", {"windows": (Window(1.0, 0.5), Window(1.0, -3.0))}, "0.5"),
    ("ADM-WINDOW-WIDTH", {"windows": (Window(1.0, 0.0),), "voi_function": "SIGMOID"}, "0"),
    ("ADM-WINDOW-MISSING", {"windows": ()}, "neither window nor VOI look-up table"),
    ("ADM-VOI-FUNCTION", {"voi_function": "GAMMA"}, "a value outside the defined terms"),
    ("ADM-SLOPE", {"rescale_slope": 0.0}, "0"),
    ("ADM-SPACING", {"spacing": (0.2, -0.2)}, "-0.2 mm"),
    ("ADM-ORIENTATION", {"patient_orientation": ("R", "F")}, "R\\F"),
    ("ADM-ORIENTATION-MISSING", {"patient_orientation": ()}, "not stated"),
    ("ADM-POLARITY-TAGS", {"photometric": "MONOCHROME1"}, "IDENTITY with MONOCHROME1"),
    ("ADM-BURNED-IN", {"burned_in": "yes"}, "YES"),
    ("ADM-LOSSY", {"lossy": True}, "lossy"),
]
"""What is said to have been found: as much as repairs the film, and nothing that could name a person."""


@pytest.mark.parametrize(("code", "change", "found"), WORDS)
def test_what_was_found_is_said_in_these_words(code, change, found):
    assert rule(code).judge(evidence(Policy.RESEARCH, attributes=replace(GOOD, **change))) == found


def test_a_class_that_is_no_uid_is_not_repeated_in_a_warning_either(recwarn):
    assert rule("ADM-SOP-CLASS").judge(evidence(Policy.RESEARCH, attributes=replace(GOOD, sop_class_uid="Miller^Zoe")))
    assert [str(warning.message) for warning in recwarn] == []


def test_every_rule_of_the_header_has_its_words_here():
    assert {code for code, _, _ in WORDS} == set(FILMS)


@pytest.mark.parametrize(
    ("code", "change", "found"),
    [
        ("ADM-GREY-LEVELS", PICTURES["ADM-GREY-LEVELS"][0], r"1 different values"),
        ("ADM-COLLIMATED", PICTURES["ADM-COLLIMATED"][0], r"a field of 3\d% of the film"),
        ("ADM-POLARITY", PICTURES["ADM-POLARITY"][0], r"a picture that looks inverted \(log odds \d+\.\d\)"),
        ("ADM-PICTURE", PICTURES["ADM-PICTURE"][0], r"a picture unlike a frontal chest \(likeness 0\.00\)"),
        ("ADM-ROTATED", PICTURES["ADM-ROTATED"][2], r"a picture that looks turned by 180 degrees \(log odds \d+\.\d\)"),
        ("ADM-MIRRORED", PICTURES["ADM-MIRRORED"][0], r"a picture whose left and right look exchanged \(log odds \d+\.\d\)"),
        (
            "ADM-SIDE-UNCLEAR",
            PICTURES["ADM-SIDE-UNCLEAR"][0],
            r"a picture that does not show which side is left \(log odds \d\.\d for exchanged sides\)",
        ),
    ],
)
def test_what_was_found_in_the_picture_is_said_in_these_words(code, change, found):
    assert re.fullmatch(found, rule(code).judge(evidence(Policy.RESEARCH, **change)))


def test_a_caution_is_said_with_place_and_expectation():
    cautions = judge(evidence(Policy.INTENDED_USE, attributes=replace(GOOD, lossy=True))).cautions
    assert cautions == ("ADM-LOSSY: (0028,2110) LossyImageCompression is lossy; expected lossless",)


ADMITTED = [
    ("ADM-MODALITY", {"modality": "CR"}),
    ("ADM-INTENT", {"intent": "FOR PRESENTATION"}),
    ("ADM-AGE-RANGE", {"age": Age(120.0, "age")}),
    ("ADM-SECONDARY", {"image_type": ("DERIVED", "PRIMARY")}),
    ("ADM-SECONDARY", {"image_type": ("ORIGINAL", "SECONDARY")}),
    ("ADM-BODY-PART", {"body_part": "thorax"}),
    ("ADM-VIEW", {"view_position": "AP"}),
    ("ADM-ASPECT", {"rows": 1024}),
    ("ADM-WINDOW-WIDTH", {"windows": (Window(1.0, 1.0),)}),
    ("ADM-WINDOW-WIDTH", {"windows": (Window(1.0, 1.5),)}),
    ("ADM-WINDOW-WIDTH", {"windows": (Window(1.0, 0.5),), "voi_function": "LINEAR_EXACT"}),
    ("ADM-WINDOW-WIDTH", {"windows": (Window(1.0, 0.01),), "voi_function": "SIGMOID"}),
    ("ADM-WINDOW-MISSING", {"windows": (), "voi_luts": ("table",)}),
    ("ADM-SLOPE", {"rescale_slope": -1.0}),
    ("ADM-SPACING", {"spacing": ()}),
    ("ADM-POLARITY-TAGS", {"photometric": "MONOCHROME1", "presentation_shape": "INVERSE"}),
    ("ADM-POLARITY-TAGS", {"photometric": "MONOCHROME1", "presentation_shape": ""}),
]


@pytest.mark.parametrize(("code", "change"), ADMITTED)
def test_what_lies_on_the_allowed_side_of_a_limit_is_admitted(code, change):
    assert rule(code).judge(evidence(Policy.INTENDED_USE, attributes=replace(GOOD, **change))) is None


def test_a_field_of_forty_percent_is_enough():
    assert rule("ADM-COLLIMATED").judge(evidence(Policy.INTENDED_USE, picture=diminished(0.64))) is None
    assert rule("ADM-COLLIMATED").judge(evidence(Policy.INTENDED_USE, picture=np.zeros_like(CHEST))) is None


def test_sixty_four_grey_values_are_enough():
    stored = (np.arange(512 * 512, dtype=np.int32) % 64).reshape(512, 512)
    assert rule("ADM-GREY-LEVELS").judge(evidence(Policy.INTENDED_USE, stored=stored)) is None
    assert rule("ADM-GREY-LEVELS").judge(evidence(Policy.INTENDED_USE, stored=stored % 63)) == "63 different values"


ABOVE = {
    name: float(np.nextafter(limit, 99)) for name, limit in (("inverted", INVERTED), ("turned", TURNED), ("mirrored", MIRRORED))
}
GOOD_PICTURE = {"likeness": LIKENESS, "inverted": INVERTED, "turned": TURNED, "mirrored": UNCLEAR, "way": WAYS[0]}
"""A film exactly at every limit."""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, set()),
        ({"likeness": float(np.nextafter(LIKENESS, 0))}, {"ADM-PICTURE"}),
        ({"inverted": ABOVE["inverted"]}, {"ADM-POLARITY"}),
        ({"turned": ABOVE["turned"]}, {"ADM-ROTATED"}),
        ({"mirrored": ABOVE["mirrored"]}, {"ADM-MIRRORED"}),
        ({**ABOVE}, {"ADM-POLARITY", "ADM-ROTATED"}),
        ({**ABOVE, "likeness": 0.0}, {"ADM-PICTURE"}),
        ({"inverted": 9.0, "mirrored": 9.0}, {"ADM-POLARITY", "ADM-MIRRORED"}),
    ],
)
def test_a_film_at_a_limit_is_good_and_one_beyond_it_is_not(monkeypatch, change, said):
    monkeypatch.setattr("device_sw.dicom.admission.orientation", lambda _: Orientation(**{**GOOD_PICTURE, **change}))
    assert codes(judge(evidence(Policy.INTENDED_USE)))[0] == said


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize(
    ("mirrored", "said"),
    [
        (UNCLEAR, set()),
        (UNCLEAR + 0.01, {"ADM-SIDE-UNCLEAR"}),
        (MIRRORED, {"ADM-SIDE-UNCLEAR"}),
        (ABOVE["mirrored"], {"ADM-MIRRORED"}),
    ],
)
def test_a_side_is_clear_or_unclear_or_exchanged(monkeypatch, policy, mirrored, said):
    seen = Orientation(**{**GOOD_PICTURE, "mirrored": mirrored})
    monkeypatch.setattr("device_sw.dicom.admission.orientation", lambda _: seen)
    refused, cautioned = codes(judge(evidence(policy)))
    assert refused | cautioned == said
    assert ("ADM-MIRRORED" in refused) == (said == {"ADM-MIRRORED"} and policy is Policy.INTENDED_USE)


def test_the_picture_is_looked_at_once(monkeypatch):
    looks = []
    monkeypatch.setattr("device_sw.dicom.admission.orientation", lambda _: looks.append(1) or Orientation(**GOOD_PICTURE))
    judge(evidence(Policy.INTENDED_USE))
    assert looks == [1]


def test_a_rule_that_differs_between_policies_keeps_the_film_out_of_the_intended_use():
    verdicts = {policy: judge(evidence(policy, attributes=replace(GOOD, view_position=""))) for policy in Policy}
    assert codes(verdicts[Policy.INTENDED_USE]) == ({"ADM-VIEW-MISSING"}, set())
    assert codes(verdicts[Policy.RESEARCH]) == (set(), {"ADM-VIEW-MISSING"})


@pytest.mark.parametrize(("share", "said"), [(0.0, None), (0.399, "a field of 40% of the film"), (0.4, None), (1.0, None)])
def test_a_field_of_the_smallest_share_is_taken_and_less_is_not(monkeypatch, share, said):
    monkeypatch.setattr(admission, "field_share", lambda _picture: share)
    assert rule("ADM-COLLIMATED").judge(evidence(Policy.INTENDED_USE, picture=CHEST)) == said
