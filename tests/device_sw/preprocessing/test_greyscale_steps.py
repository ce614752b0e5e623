"""The named steps against the picture: computed again, value by value, from what is named and the tables of the film, it has to be the device's own."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.dicom.radiograph import Window
from device_sw.preprocessing.greyscale_steps import greyscale_steps
from device_sw.preprocessing.intensity import normalise

from .test_intensity import film, table, windowed

TABLES = {
    "modality": table(np.arange(4096)[::-1] * 2, 0, 13),
    "voi": table(np.linspace(0, 255, 4096), 0, 8),
    "other": table(np.linspace(255, 0, 4096), 0, 8),
}


def by_hash(told):
    found = [
        t for t in TABLES.values() if hashlib.sha256(t.entries.astype("<i8").tobytes()).hexdigest() == told["entries_sha256"]
    ]
    assert (len(found[0].entries), found[0].first_mapped, found[0].bits) == (told["entries"], told["first_mapped"], told["bits"])
    return found[0]


def looked_up(lut, x):
    return float(lut.entries[min(max(math.floor(x) - lut.first_mapped, 0), len(lut.entries) - 1)])


def after_modality(x, told):
    return looked_up(by_hash(told), x) if told["kind"] == "look-up table" else x * told["slope"] + told["intercept"]


def again(x, told, ends):
    """One stored value through the steps as told."""
    y, voi = after_modality(x, told["modality"]), told["voi"]
    if voi["kind"] == "look-up table":
        z = looked_up(by_hash(voi), y) / (2 ** voi["bits"] - 1)
    elif voi["kind"] == "window":
        z = windowed(y, voi["center"], voi["width"], voi["function"])
    else:
        z = (y - ends[0]) / (ends[1] - ends[0])
    return 1.0 - z if told["inverted"] else z


@given(
    changes=st.fixed_dictionaries(
        {
            "photometric": st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
            "modality_lut": st.sampled_from([None, TABLES["modality"]]),
            "rescale_slope": st.sampled_from([None, 1.0, 0.5, -2.0]),
            "rescale_intercept": st.sampled_from([None, 0.0, 100.0]),
            "voi_luts": st.sampled_from([(), (TABLES["voi"],), (TABLES["other"], TABLES["voi"])]),
            "windows": st.sampled_from([(), (Window(2000.0, 3000.0),), (Window(900.0, 700.0), Window(1.0, 2.0))]),
            "voi_function": st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
            "padding": st.sampled_from([None, (0, 40)]),
        }
    )
)
@settings(max_examples=30, deadline=None)
def test_the_picture_follows_from_the_steps_that_are_named(changes):
    radiograph = film(**changes)
    told = greyscale_steps(radiograph.attributes, "tt-default-1").to_json()
    picture = normalise(radiograph, "tt-default-1").pixels
    values = radiograph.stored.ravel().tolist()
    low, high = told["padding"] or (1, 0)
    shown = [x for x in values if not low <= x <= high]
    modality = [after_modality(x, told["modality"]) for x in shown]
    ends = min(modality), max(modality)
    expected = [0.0 if low <= x <= high else again(x, told, ends) for x in values]
    assert picture.ravel() == pytest.approx(np.asarray(expected, dtype=np.float32), abs=1e-6)


def test_the_first_of_several_is_named_with_their_number():
    attributes = film(windows=(Window(900.0, 700.0), Window(1.0, 2.0))).attributes
    assert greyscale_steps(attributes, "tt-default-1").voi | {"center": 0, "width": 0} == {
        "kind": "window", "center": 0, "width": 0, "function": "LINEAR", "index": 0, "of": 2,
    }  # fmt: skip


def test_the_e_da_recipe_turns_polarity_in_its_formula_and_takes_windows_only():
    attributes = film(photometric="MONOCHROME1", pixel_relationship="LOG", voi_luts=(TABLES["voi"],)).attributes
    told = greyscale_steps(attributes, "eda-log-1").to_json()
    assert (told["id"], told["inverted"], told["voi"]["kind"]) == ("eda-log-1", False, "window")
