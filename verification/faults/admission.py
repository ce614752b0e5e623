"""Defects of the input contract: a rule left out, weakened or asked of the wrong value."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from verification.faults.alteration import replace, wrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def _without(module: ModuleType, code: str) -> None:
    kept = tuple(rule for rule in module.RULES if rule.code != code)
    if len(kept) == len(module.RULES):
        raise LookupError(f"no rule {code} to leave out")
    replace(module, "RULES", kept)


def _ruled(module: ModuleType, code: str, **changes: Any) -> None:
    if code not in {rule.code for rule in module.RULES}:
        raise LookupError(f"no rule {code} to change")
    replace(module, "RULES", tuple(changed(rule, **changes) if rule.code == code else rule for rule in module.RULES))


def _left_out(code: str) -> Callable[[ModuleType], None]:
    def defect(module: ModuleType) -> None:
        _without(module, code)

    return defect


def _only_a_caution(code: str) -> Callable[[ModuleType], None]:
    def defect(module: ModuleType) -> None:
        _ruled(module, code, intended_use=module.Outcome.CAUTION)

    return defect


polarity_not_asked = _left_out("ADM-POLARITY")
polarity_tags_not_compared = _left_out("ADM-POLARITY-TAGS")
any_picture_is_a_chest = _left_out("ADM-PICTURE")
turned_film_not_asked = _left_out("ADM-ROTATED")
mirrored_film_not_asked = _left_out("ADM-MIRRORED")
sop_class_not_asked = _left_out("ADM-SOP-CLASS")
body_part_not_asked = _left_out("ADM-BODY-PART")
orientation_not_asked = _left_out("ADM-ORIENTATION")
patient_id_not_asked = _left_out("ADM-PATIENT")
identity_not_compared = _left_out("ADM-IDENTITY")
texts_not_checked = _left_out("ADM-TEXT")
burned_in_not_asked = _left_out("ADM-BURNED-IN")
orientation_caution_left_out = _left_out("ADM-ORIENTATION-MISSING")
frames_not_counted = _left_out("ADM-FRAMES")
intent_not_asked = _left_out("ADM-INTENT")
spacing_not_asked = _left_out("ADM-SPACING")
field_not_measured = _left_out("ADM-COLLIMATED")
oldest_age_not_limited = _left_out("ADM-AGE-RANGE")
small_film_not_told = _left_out("ADM-SMALL")

capture_only_cautioned = _only_a_caution("ADM-SECONDARY")
mirrored_film_only_cautioned = _only_a_caution("ADM-MIRRORED")
unknown_view_only_cautioned = _only_a_caution("ADM-VIEW-MISSING")
unknown_age_only_cautioned = _only_a_caution("ADM-AGE-MISSING")
unknown_body_part_only_cautioned = _only_a_caution("ADM-BODY-PART-MISSING")
guessed_window_only_cautioned = _only_a_caution("ADM-WINDOW-MISSING")


def any_x_ray_modality_admitted(module: ModuleType) -> None:
    """The list of modalities holds everything that is made with X-rays."""

    def judge(evidence: Any) -> str | None:
        return None if evidence.attributes.modality in {"CR", "DX", "MG", "PX", "RF", "XA"} else "another"

    _ruled(module, "ADM-MODALITY", judge=judge)


def lateral_views_admitted(module: ModuleType) -> None:
    """Left and right lateral stand in the list of views."""
    replace(module, "_FRONTAL", module._FRONTAL | {"LL", "RL"})  # noqa: SLF001


def seventeen_is_adult(module: ModuleType) -> None:
    """The limit of age is one year too low."""
    replace(module, "ADULT_YEARS", 17.0)


def longer_side_measured(module: ModuleType) -> None:
    """The longer side is compared with the smallest one allowed."""

    def judge(evidence: Any) -> str | None:
        rows, columns = evidence.attributes.rows, evidence.attributes.columns
        return f"{rows} x {columns}" if max(rows, columns) < module.MINIMUM_SIDE[evidence.policy] else None

    _ruled(module, "ADM-SIZE", judge=judge)


def elongated_films_admitted(module: ModuleType) -> None:
    """A longer side of three times the shorter one passes."""
    replace(module, "MAXIMUM_ASPECT", 3.0)


def two_grey_levels_suffice(module: ModuleType) -> None:
    """A film of two grey values passes as a picture."""
    replace(module, "MINIMUM_GREY_LEVELS", 2)


def only_the_feet_compared(module: ModuleType) -> None:
    """Of the two directions only the second is compared."""

    def judge(evidence: Any) -> str | None:
        stated = tuple(part for part in evidence.attributes.patient_orientation if part)
        return None if not stated or stated[-1] == "F" else "another orientation"

    _ruled(module, "ADM-ORIENTATION", judge=judge)


def upright_by_header(module: ModuleType) -> None:
    """A film whose header states the right orientation is not looked at."""
    original = next(rule.judge for rule in module.RULES if rule.code == "ADM-ROTATED")

    def judge(evidence: Any) -> str | None:
        return None if evidence.attributes.patient_orientation == ("L", "F") else original(evidence)

    _ruled(module, "ADM-ROTATED", judge=judge)


def only_upside_down_noticed(module: ModuleType) -> None:
    """Quarter turns are counted as upright (device_sw.dicom.orientation)."""

    def judged(original: Any, ranks: Any, scores: Any) -> Any:
        kept = scores.copy()
        kept[[4, 5, 6, 7, 12, 13, 14, 15]] = scores.min() - 50.0
        return original(ranks, kept)

    wrap(module, "_judged", judged)


def turned_the_other_way(module: ModuleType) -> None:
    """Clockwise and anticlockwise are exchanged in what is said (device_sw.dicom.orientation)."""
    ways = list(module.WAYS)
    ways[5], ways[6] = ways[6], ways[5]
    replace(module, "WAYS", tuple(ways))


def sides_taken_from_the_flipped_film(module: ModuleType) -> None:
    """The film is laid left to right before it is looked at (device_sw.dicom.orientation)."""

    def ranked(original: Any, means: Any) -> Any:
        return original(means[:, ::-1])

    wrap(module, "ranked", ranked)


def film_turned_upright(module: ModuleType) -> None:
    """A film that lies upside down is turned, so that it lies as it should (device_sw.preprocessing.intensity)."""
    from device_sw.dicom.orientation import TURNED, orientation  # noqa: PLC0415  the device is loaded by now

    def normalise(original: Any, *arguments: Any, **options: Any) -> Any:
        film = original(*arguments, **options)
        return changed(film, pixels=film.pixels[::-1, ::-1].copy()) if orientation(film.pixels).turned > TURNED else film

    wrap(module, "normalise", normalise)


def first_reason_only(module: ModuleType) -> None:
    """The table is left at the first rule that refuses."""

    def first(original: Any, evidence: Any) -> Any:
        verdict = original(evidence)
        return changed(verdict, reasons=verdict.reasons[:1])

    wrap(module, "judge", first)


def value_repeated(module: ModuleType) -> None:
    """A message repeats whatever stands in the element."""
    replace(module, "_quoted", lambda text: text or "no value")


def months_read_as_years(module: ModuleType) -> None:
    """The unit of an age in months is not looked at (device_sw.dicom.attributes)."""
    replace(module, "_PER_YEAR", {**module._PER_YEAR, "M": 1.0})  # noqa: SLF001


def stated_age_alone_counts(module: ModuleType) -> None:
    """Where an age is stated the birth date is not read (device_sw.dicom.attributes)."""

    def age(original: Any, dataset: Any) -> Any:
        stated = module._AGE.match(module._text(dataset, "PatientAge"))  # noqa: SLF001
        if stated is None:
            return original(dataset)
        return module.Age(float(stated[1]) / module._PER_YEAR[stated[2]], "age")  # noqa: SLF001

    wrap(module, "_age", age)


def lossy_by_header_only(module: ModuleType) -> None:
    """The transfer syntax is not asked whether it loses information (device_sw.dicom.attributes)."""
    replace(module, "LOSSY_SYNTAXES", frozenset())


def network_before_admission(module: ModuleType) -> None:
    """The network has seen the film before the rules are asked (device_sw.device)."""

    def refuse(original: Any, self: Any, reasons: Any) -> None:
        film = getattr(self, "_film", None)
        if film is not None:
            self._engine.detector.detect(module.letterbox(film, self._engine.settings.input_size))
        original(self, reasons)

    wrap(module, "Analysis._refuse", refuse)
