"""Names the greyscale steps that a film went through, with every value used, so that its picture can be computed again from the stored values and these alone.

`device_sw.preprocessing.intensity` carries the steps out; a test computes pictures from what is named here and compares them pixel by pixel.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device_sw.dicom.radiograph import FilmAttributes, LookUpTable


@dataclass(frozen=True, slots=True)
class GreyscaleSteps:
    """What one film's stored values went through, in this order.

    Attributes:
        preprocessing_id: the recipe.
        padding: closed interval of stored values that are no picture, or None.
        modality: a look-up table's identity, or slope and intercept.
        voi: a look-up table's identity, a window with its function, or the full range; with the index chosen among how many.
        inverted: whether polarity was turned, once and last.
    """

    preprocessing_id: str
    padding: tuple[int, int] | None
    modality: dict[str, Any]
    voi: dict[str, Any]
    inverted: bool

    def to_json(self) -> dict[str, Any]:
        """Return the steps as JSON values."""
        padding = None if self.padding is None else list(self.padding)
        return {
            "id": self.preprocessing_id,
            "padding": padding,
            "modality": self.modality,
            "voi": self.voi,
            "inverted": self.inverted,
        }


def greyscale_steps(attributes: FilmAttributes, preprocessing_id: str) -> GreyscaleSteps:
    """Return the steps of an admitted film under a recipe; the E-Da recipe takes windows only and turns polarity inside its formula."""
    own_polarity = preprocessing_id == "eda-log-1"
    return GreyscaleSteps(
        preprocessing_id=preprocessing_id,
        padding=attributes.padding,
        modality=_modality(attributes),
        voi=_voi(attributes, tables=not own_polarity),
        inverted=attributes.inverts and not own_polarity,
    )


def _modality(attributes: FilmAttributes) -> dict[str, Any]:
    if attributes.modality_lut is not None:
        return _table(attributes.modality_lut)
    slope = 1.0 if attributes.rescale_slope is None else attributes.rescale_slope
    return {"kind": "rescale", "slope": slope, "intercept": attributes.rescale_intercept or 0.0}


def _voi(attributes: FilmAttributes, *, tables: bool) -> dict[str, Any]:
    if tables and attributes.voi_luts:
        return {**_table(attributes.voi_luts[0]), "index": 0, "of": len(attributes.voi_luts)}
    if attributes.windows:
        first = attributes.windows[0]
        window = {"kind": "window", "center": first.center, "width": first.width, "function": attributes.voi_function}
        return {**window, "index": 0, "of": len(attributes.windows)}
    return {"kind": "full range"}


def _table(table: LookUpTable) -> dict[str, Any]:
    """A table is named by its hash; its entries are in the film."""
    digest = hashlib.sha256(table.entries.astype("<i8").tobytes()).hexdigest()
    return {
        "kind": "look-up table",
        "entries": len(table.entries),
        "entries_sha256": digest,
        "first_mapped": table.first_mapped,
        "bits": table.bits,
    }
