"""The device's input contract as one table: what is refused, what is admitted with a caution, under which policy, for which risk control.

All rules are asked, so that a sender can repair everything at once; the first one in table order is the primary reason. A rule sees what is known so far
(the header; then the stored values; then the normalised picture) and stays silent about what it does not know yet. Nothing here changes a film.

``intended-use`` covers what the device is for. ``research`` lets some reasons pass as cautions and never adds a refusal, so it admits every film that
``intended-use`` admits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from pydicom.uid import UID

from device_sw.dicom.attributes import place
from device_sw.dicom.collimation import field_share
from device_sw.dicom.defined_terms import REPEATABLE
from device_sw.dicom.orientation import INVERTED, LIKENESS, MIRRORED, TURNED, UNCLEAR, orientation
from device_sw.dicom.radiograph import distinct_values
from device_sw.errors import InputRefused
from device_sw.types import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from device_sw.dicom.orientation import Orientation
    from device_sw.dicom.radiograph import FilmAttributes

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
DX_STORAGE = "1.2.840.10008.5.1.4.1.1.1.1"
SC_STORAGE = "1.2.840.10008.5.1.4.1.1.7"
ADULT_YEARS = 18.0
OLDEST_YEARS = 120.0
MINIMUM_SIDE = {Policy.INTENDED_USE: 512, Policy.RESEARCH: 400}
MAXIMUM_ASPECT = 2.0
MINIMUM_GREY_LEVELS = 64
MINIMUM_FIELD = 0.4
"""Smallest share of a film that is field; the smallest of 952 real frontal films has 0.57 (evidence/admission/admission.json)."""

_COLOUR = re.compile(r"^(RGB|ARGB|CMYK|HSV|PALETTE COLOR|YBR_.*)$")
_CHEST = frozenset({"CHEST", "THORAX"})
_FRONTAL = frozenset({"PA", "AP"})
_VOI_FUNCTIONS = frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"})
_SHAPES = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}


class Outcome(StrEnum):
    """What a rule that applies does to the film."""

    REFUSE = "refuse"
    CAUTION = "caution"
    NOTHING = "nothing"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a film when the rules are asked.

    ``stored``: (rows, columns) int32 once decoded. ``picture``: (rows, columns) float32 in [0, 1] once normalised.
    """

    attributes: FilmAttributes
    policy: Policy
    stored: NDArray[np.int32] | None = None
    picture: NDArray[np.float32] | None = None

    @cached_property
    def orientation(self) -> Orientation | None:
        """How the picture is shown by its own content, once it is known."""
        return None if self.picture is None else orientation(self.picture)

    @property
    def chest(self) -> Orientation | None:
        """The same where the picture resembles a frontal chest, so that there is something to judge."""
        seen = self.orientation
        return None if seen is None or seen.likeness < LIKENESS else seen


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the contract.

    Attributes:
        code: stable code of the refusal or caution.
        control: id of the risk control that the rule implements.
        where: the attribute concerned.
        judge: returns what was found where the rule applies, and None where it does not.
        expected: what the device needs.
        repair: what the sender can do.
        intended_use: outcome under that policy.
        research: outcome under that policy.
    """

    code: str
    control: str
    where: str
    judge: Callable[[Evidence], str | None]
    expected: str
    repair: str
    intended_use: Outcome
    research: Outcome

    def outcome(self, policy: Policy) -> Outcome:
        """Return what the rule does under a policy."""
        return self.intended_use if policy is Policy.INTENDED_USE else self.research


@dataclass(frozen=True, slots=True)
class Verdict:
    """All reasons against a film, in table order, and all cautions about it."""

    reasons: tuple[InputRefused, ...]
    cautions: tuple[str, ...]


def judge(evidence: Evidence) -> Verdict:
    """Ask every rule of the table."""
    reasons, cautions = [], []
    for rule in RULES:
        outcome = rule.outcome(evidence.policy)
        found = None if outcome is Outcome.NOTHING else rule.judge(evidence)
        if found is None:
            continue
        if outcome is Outcome.REFUSE:
            reasons.append(InputRefused(rule.code, where=rule.where, found=found, expected=rule.expected, repair=rule.repair))
        else:
            cautions.append(f"{rule.code}: {rule.where} is {found}; expected {rule.expected}")
    return Verdict(tuple(reasons), tuple(cautions))


def refuse(reasons: tuple[InputRefused, ...]) -> None:
    """Raise the first reason, carrying the others; do nothing where there is none.

    Raises:
        InputRefused: with ``also`` holding the further reasons, one for each code.
    """
    if not reasons:
        return
    by_code = {reason.code: reason for reason in reversed(reasons)}
    first = reasons[0]
    others = tuple(by_code[code] for code in dict.fromkeys(reason.code for reason in reasons) if code != first.code)
    raise InputRefused(
        first.code, where=first.where, found=first.found, expected=first.expected, repair=first.repair, also=others
    ) from first.__cause__


def _quoted(text: str) -> str:
    """Quote a defined term; anything else is not repeated, since it could be anything, even a name."""
    return text if text.upper() in REPEATABLE else "a value outside the defined terms" if text else "no value"


def _sop_class(evidence: Evidence) -> str | None:
    uid = evidence.attributes.sop_class_uid
    if uid in {CR_STORAGE, DX_STORAGE, SC_STORAGE}:
        return None
    name = UID(uid, validation_mode=0).name
    return "no SOP class" if not uid else "an unknown SOP class" if name == uid else name


def _modality(evidence: Evidence) -> str | None:
    return None if evidence.attributes.modality in {"CR", "DX"} else _quoted(evidence.attributes.modality)


def _secondary(evidence: Evidence) -> str | None:
    attributes = evidence.attributes
    if attributes.sop_class_uid == SC_STORAGE:
        return "a Secondary Capture"
    return "DERIVED\\SECONDARY" if attributes.image_type[:2] == ("DERIVED", "SECONDARY") else None


def _intent(evidence: Evidence) -> str | None:
    return "FOR PROCESSING" if evidence.attributes.intent == "FOR PROCESSING" else None


def _colour(evidence: Evidence) -> str | None:
    attributes = evidence.attributes
    if attributes.samples == 1 and not _COLOUR.match(attributes.photometric):
        return None
    return f"{_quoted(attributes.photometric)}, {attributes.samples} samples a pixel"


def _photometric(evidence: Evidence) -> str | None:
    photometric = evidence.attributes.photometric
    return None if photometric in _SHAPES or _COLOUR.match(photometric) else _quoted(photometric)


def _frames(evidence: Evidence) -> str | None:
    return None if evidence.attributes.frames == 1 else f"{evidence.attributes.frames} frames"


def _body_part(evidence: Evidence) -> str | None:
    part = evidence.attributes.body_part
    return None if not part or part.upper() in _CHEST else _quoted(part)


def _body_part_missing(evidence: Evidence) -> str | None:
    return None if evidence.attributes.body_part else "not stated"


def _view(evidence: Evidence) -> str | None:
    view = evidence.attributes.view_position
    return None if not view or view in _FRONTAL else _quoted(view)


def _view_missing(evidence: Evidence) -> str | None:
    return None if evidence.attributes.view_position else "not stated"


def _child(evidence: Evidence) -> str | None:
    years = evidence.attributes.age.years
    return None if years is None or years >= ADULT_YEARS else "an age below 18 years"


def _age_range(evidence: Evidence) -> str | None:
    years = evidence.attributes.age.years
    return None if years is None or years <= OLDEST_YEARS else f"an age above {OLDEST_YEARS:g} years"


def _age_missing(evidence: Evidence) -> str | None:
    source = evidence.attributes.age.source
    return {"none": "not stated", "bare-number": "a number without unit"}.get(source)


def _identity(evidence: Evidence) -> str | None:
    faults = evidence.attributes.identity_faults
    return f"another object than the file meta information names, at {', '.join(faults)}" if faults else None


def _instance(evidence: Evidence) -> str | None:
    return None if evidence.attributes.sop_instance_uid else "no valid UID"


def _patient(evidence: Evidence) -> str | None:
    return None if evidence.attributes.patient_id_stated else "empty"


def _text(evidence: Evidence) -> str | None:
    faults = evidence.attributes.text_faults
    return f"text that the standard does not allow, at {', '.join(faults)}" if faults else None


def _size(evidence: Evidence) -> str | None:
    rows, columns = evidence.attributes.rows, evidence.attributes.columns
    return f"{rows} x {columns}" if min(rows, columns) < MINIMUM_SIDE[evidence.policy] else None


def _small(evidence: Evidence) -> str | None:
    rows, columns = evidence.attributes.rows, evidence.attributes.columns
    return f"{rows} x {columns}" if min(rows, columns) < MINIMUM_SIDE[Policy.INTENDED_USE] else None


def _aspect(evidence: Evidence) -> str | None:
    short, long = sorted((evidence.attributes.rows, evidence.attributes.columns))
    return f"{short} by {long}" if long > MAXIMUM_ASPECT * short else None


def _window_width(evidence: Evidence) -> str | None:
    low = 1.0 if evidence.attributes.voi_function == "LINEAR" else 0.0
    bad = [window.width for window in evidence.attributes.windows if window.width <= 0 or window.width < low]
    return f"{bad[0]:g}" if bad else None


def _window_missing(evidence: Evidence) -> str | None:
    return None if evidence.attributes.windows or evidence.attributes.voi_luts else "neither window nor VOI look-up table"


def _voi_function(evidence: Evidence) -> str | None:
    function = evidence.attributes.voi_function
    return None if function in _VOI_FUNCTIONS else _quoted(function)


def _slope(evidence: Evidence) -> str | None:
    return "0" if evidence.attributes.rescale_slope == 0.0 else None


def _spacing(evidence: Evidence) -> str | None:
    bad = [value for value in evidence.attributes.spacing if value <= 0]
    return f"{bad[0]:g} mm" if bad else None


def _orientation(evidence: Evidence) -> str | None:
    stated = tuple(part for part in evidence.attributes.patient_orientation if part)
    return None if not stated or stated == ("L", "F") else "\\".join(_quoted(part) for part in stated)


def _orientation_missing(evidence: Evidence) -> str | None:
    return None if any(evidence.attributes.patient_orientation) else "not stated"


def _polarity_tags(evidence: Evidence) -> str | None:
    """A DX object says its polarity twice; the two must agree (PS3.3 C.8.11.3.1.2)."""
    shape, photometric = evidence.attributes.presentation_shape, evidence.attributes.photometric
    return f"{_quoted(shape)} with {photometric}" if shape and photometric in _SHAPES and shape != _SHAPES[photometric] else None


def _burned_in(evidence: Evidence) -> str | None:
    return "YES" if evidence.attributes.burned_in.upper() == "YES" else None


def _lossy(evidence: Evidence) -> str | None:
    return "lossy" if evidence.attributes.lossy else None


def _grey_levels(evidence: Evidence) -> str | None:
    if evidence.stored is None:
        return None
    levels = distinct_values(evidence.stored).size
    return f"{levels} different values" if levels < MINIMUM_GREY_LEVELS else None


def _collimated(evidence: Evidence) -> str | None:
    """A picture without any field is a matter of grey levels."""
    share = 0.0 if evidence.picture is None else field_share(evidence.picture)
    return f"a field of {share:.0%} of the film" if 0.0 < share < MINIMUM_FIELD else None


def _picture(evidence: Evidence) -> str | None:
    seen = evidence.orientation
    return (
        None if seen is None or seen.likeness >= LIKENESS else f"a picture unlike a frontal chest (likeness {seen.likeness:.2f})"
    )


def _polarity(evidence: Evidence) -> str | None:
    seen = evidence.chest
    return None if seen is None or seen.inverted <= INVERTED else f"a picture that looks inverted (log odds {seen.inverted:.1f})"


def _turned(evidence: Evidence) -> str | None:
    seen = evidence.chest
    return None if seen is None or seen.turned <= TURNED else f"a picture that looks {seen.way} (log odds {seen.turned:.1f})"


def _upright(evidence: Evidence) -> Orientation | None:
    """A turned film is not asked for its sides: they are known once it lies as it should."""
    seen = evidence.chest
    return None if seen is None or seen.turned > TURNED else seen


def _mirrored(evidence: Evidence) -> str | None:
    seen = _upright(evidence)
    if seen is None or seen.mirrored <= MIRRORED:
        return None
    return f"a picture whose left and right look exchanged (log odds {seen.mirrored:.1f})"


def _side_unclear(evidence: Evidence) -> str | None:
    seen = _upright(evidence)
    if seen is None or not UNCLEAR < seen.mirrored <= MIRRORED:
        return None
    return f"a picture that does not show which side is left (log odds {seen.mirrored:.1f} for exchanged sides)"


_R, _C, _N = Outcome.REFUSE, Outcome.CAUTION, Outcome.NOTHING
_SIDES = "(0028,0010) Rows, (0028,0011) Columns"
_PIXELS = "(7FE0,0010) PixelData"
_EXPORT = "have the sending system correct the object"
_AGE = f"{place('PatientAge')} or {place('PatientBirthDate')}"

RULES: tuple[Rule, ...] = (
    Rule("ADM-SOP-CLASS", "RC-003", place("SOPClassUID"), _sop_class, "CR, or DX for presentation", "send the radiograph itself", _R, _R),
    Rule("ADM-MODALITY", "RC-003", place("Modality"), _modality, "CR or DX", "send a radiograph", _R, _R),
    Rule("ADM-INTENT", "RC-003", place("PresentationIntentType"), _intent, "FOR PRESENTATION, or nothing for CR", "send the film for presentation", _R, _R),
    Rule("ADM-SECONDARY", "RC-003", place("ImageType"), _secondary, "an original or primary image", "send the film itself, not a capture of it", _R, _C),
    Rule("ADM-COLOUR", "RC-003", place("PhotometricInterpretation"), _colour, "MONOCHROME1 or MONOCHROME2", "send the greyscale film", _R, _R),
    Rule("ADM-PHOTOMETRIC", "RC-003", place("PhotometricInterpretation"), _photometric, "MONOCHROME1 or MONOCHROME2", _EXPORT, _R, _R),
    Rule("ADM-FRAMES", "RC-003", place("NumberOfFrames"), _frames, "1 frame", "send single films", _R, _R),
    Rule("ADM-BODY-PART", "RC-006", place("BodyPartExamined"), _body_part, "CHEST or THORAX", "send chest films only", _R, _R),
    Rule("ADM-BODY-PART-MISSING", "RC-006", place("BodyPartExamined"), _body_part_missing, "CHEST or THORAX", "have the modality state it", _R, _C),
    Rule("ADM-VIEW", "RC-004", place("ViewPosition"), _view, "PA or AP", "send the frontal view", _R, _R),
    Rule("ADM-VIEW-MISSING", "RC-004", place("ViewPosition"), _view_missing, "PA or AP", "have the modality state it", _R, _C),
    Rule("ADM-CHILD", "RC-005", _AGE, _child, "an adult, 18 years or older", "read the film without the device", _R, _R),
    Rule("ADM-AGE-RANGE", "RC-005", _AGE, _age_range, "at most 120 years", "have the age corrected", _R, _R),
    Rule("ADM-AGE-MISSING", "RC-005", _AGE, _age_missing, "an age with its unit, or birth and study date", "have it stated", _R, _C),
    Rule("ADM-IDENTITY", "RC-011", "file meta information", _identity, "one identity in both", "export the image again", _R, _R),
    Rule("ADM-INSTANCE", "RC-011", place("SOPInstanceUID"), _instance, "a valid UID", _EXPORT, _R, _C),
    Rule("ADM-PATIENT", "RC-011", place("PatientID"), _patient, "a patient id", "have the film assigned to its patient", _R, _C),
    Rule("ADM-TEXT", "RC-011", "texts and UIDs", _text, "values of their value representation (PS3.5 6.2)", _EXPORT, _R, _R),
    Rule("ADM-SIZE", "RC-008", _SIDES, _size, "at least the policy's minimum, 512 or 400 each", "send the film in full resolution", _R, _R),
    Rule("ADM-SMALL", "RC-029", _SIDES, _small, "at least 512 each for the intended use", "send the film in full resolution", _N, _C),
    Rule("ADM-ASPECT", "RC-008", _SIDES, _aspect, "a longer side of at most twice the shorter", "send the whole film", _R, _R),
    Rule("ADM-WINDOW-WIDTH", "RC-008", place("WindowWidth"), _window_width, "a positive width (LINEAR: at least 1)", _EXPORT, _R, _R),
    Rule("ADM-WINDOW-MISSING", "RC-008", place("WindowCenter"), _window_missing, "a window or a VOI look-up table", "send the film for presentation", _R, _C),
    Rule("ADM-VOI-FUNCTION", "RC-008", place("VOILUTFunction"), _voi_function, "LINEAR, LINEAR_EXACT or SIGMOID", _EXPORT, _R, _R),
    Rule("ADM-SLOPE", "RC-008", place("RescaleSlope"), _slope, "a slope other than 0", _EXPORT, _R, _R),
    Rule("ADM-SPACING", "RC-008", place("PixelSpacing"), _spacing, "a positive spacing, or none", _EXPORT, _R, _R),
    Rule("ADM-ORIENTATION", "RC-009", place("PatientOrientation"), _orientation, "L\\F", "send the film as it is read", _R, _R),
    Rule("ADM-ORIENTATION-MISSING", "RC-029", place("PatientOrientation"), _orientation_missing, "L\\F", "have the modality state it", _C, _C),
    Rule("ADM-POLARITY-TAGS", "RC-001", place("PresentationLUTShape"), _polarity_tags, "INVERSE with MONOCHROME1, IDENTITY with MONOCHROME2", _EXPORT, _R, _R),
    Rule("ADM-BURNED-IN", "RC-025", place("BurnedInAnnotation"), _burned_in, "NO, or nothing", "send the film without annotation", _R, _R),
    Rule("ADM-LOSSY", "RC-029", place("LossyImageCompression"), _lossy, "lossless", "send the film losslessly", _C, _C),
    Rule("ADM-GREY-LEVELS", "RC-008", _PIXELS, _grey_levels, "64 or more different values", "check the exposure and the export", _R, _R),
    Rule("ADM-COLLIMATED", "RC-008", _PIXELS, _collimated, "a field of at least 40 % of the film", "send the film uncropped and undiminished", _R, _C),
    Rule("ADM-PICTURE", "RC-001", _PIXELS, _picture, "a frontal chest", "check that the film is a frontal chest", _R, _C),
    Rule("ADM-POLARITY", "RC-001", place("PhotometricInterpretation"), _polarity, "air dark and bone bright", "correct the header at the source", _R, _R),
    Rule("ADM-ROTATED", "RC-034", _PIXELS, _turned, "head up", "turn the film at the source", _R, _R),
    Rule("ADM-MIRRORED", "RC-034", _PIXELS, _mirrored, "the patient's left at the right, the heart's apex with it", "compare the side marker; read a patient with exchanged organs without the device", _R, _C),
    Rule("ADM-SIDE-UNCLEAR", "RC-029", _PIXELS, _side_unclear, "heart, aortic arch or stomach that show the side", "compare the side marker", _C, _C),
)  # fmt: skip
"""The input contract, most fundamental reason first."""
