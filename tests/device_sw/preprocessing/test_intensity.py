"""Preprocessing against an independent reference: one pixel at a time, in plain Python, written from PS3.3 and not from the device's code."""

import math
from dataclasses import replace

import numpy as np
import pytest

from device_sw.dicom.radiograph import Age, FilmAttributes, LookUpTable, Radiograph, Window
from device_sw.errors import BundleError, InputRefused
from device_sw.preprocessing.intensity import NO_WINDOW, normalise

PLAIN = FilmAttributes(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1", sop_instance_uid="1.2.3", modality="DX", image_type=("ORIGINAL", "PRIMARY"), body_part="CHEST",
    view_position="PA", patient_orientation=("L", "F"), age=Age(60.0, "age"), patient_id_stated=True, burned_in="NO", photometric="MONOCHROME2",
    presentation_shape="IDENTITY", pixel_relationship="LIN", samples=1, frames=1, rows=24, columns=32, bits_allocated=16, bits_stored=12, high_bit=11,
    signed=False, padding=None, spacing=(), rescale_slope=None, rescale_intercept=None, modality_lut=None, windows=(Window(2048.0, 4096.0),),
    voi_function="LINEAR", voi_luts=(), transfer_syntax="1.2.840.10008.1.2.1", lossy=False, text_faults=(), identity_faults=(), cautions=(),
)  # fmt: skip


def table(entries, first, bits):
    return LookUpTable(np.asarray(entries, dtype=np.int64), first, bits)


def film(seed=0, low=0, high=4096, **changes):
    values = np.random.default_rng(seed).integers(low, high, size=(24, 32), dtype=np.int32)
    return Radiograph(values, replace(PLAIN, **changes), "0" * 64)


def by_table(x, lut):
    return float(lut.entries[min(max(math.floor(x) - lut.first_mapped, 0), len(lut.entries) - 1)])


def modality(x, about):
    """PS3.3 C.11.1, for one value."""
    if about.modality_lut is not None:
        return by_table(x, about.modality_lut)
    return x * (1.0 if about.rescale_slope is None else about.rescale_slope) + (about.rescale_intercept or 0.0)


def windowed(x, c, w, function):
    """PS3.3 C.11.2.1.2 and C.11.2.1.3, with their cases as the standard writes them, output 0 to 1."""
    if function == "SIGMOID":
        return 1.0 / (1.0 + math.exp(-4.0 * (x - c) / w))
    if function == "LINEAR_EXACT":
        return 0.0 if x <= c - w / 2 else 1.0 if x > c + w / 2 else (x - c) / w + 0.5
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    return 1.0 if x > c - 0.5 + (w - 1) / 2 else (x - (c - 0.5)) / (w - 1) + 0.5


def voi(x, about, ends):
    if about.voi_luts:
        return by_table(x, about.voi_luts[0]) / (2 ** about.voi_luts[0].bits - 1)
    if about.windows:
        return windowed(x, about.windows[0].center, about.windows[0].width, about.voi_function)
    return (x - ends[0]) / (ends[1] - ends[0])


def reference(radiograph):
    """One pixel after the other: padding, modality, VOI, polarity (C.7.6.3.1.2)."""
    about = radiograph.attributes
    is_padding = {
        int(v): about.padding is not None and about.padding[0] <= v <= about.padding[1] for v in np.unique(radiograph.stored)
    }
    shown = [modality(v, about) for v, padded in is_padding.items() if not padded]
    ends = (min(shown), max(shown))

    def pixel(x):
        if is_padding[x]:
            return 0.0
        value = voi(modality(x, about), about, ends)
        return 1.0 - value if about.photometric == "MONOCHROME1" else value

    return np.array([[pixel(int(x)) for x in row] for row in radiograph.stored], dtype=np.float32)


RAMP = table(np.linspace(0, 1023, 4096).astype(int), 0, 10)
FALLING = table(np.linspace(4095, 0, 2000).astype(int), 500, 12)
SIGNED = {"signed": True, "bits_stored": 12}
CASES = {
    "plain MONOCHROME2": film(),
    "plain MONOCHROME1": film(photometric="MONOCHROME1", presentation_shape="INVERSE"),
    "MONOCHROME1 without shape": film(photometric="MONOCHROME1", presentation_shape=""),
    "signed": film(low=-2048, high=2048, windows=(Window(0.0, 3000.0),), **SIGNED),
    "signed MONOCHROME1 with slope and intercept": film(
        low=-2048,
        high=2048,
        photometric="MONOCHROME1",
        rescale_slope=0.25,
        rescale_intercept=512.0,
        windows=(Window(500.0, 600.0),),
        **SIGNED,
    ),
    "negative slope": film(rescale_slope=-1.0, rescale_intercept=4095.0),
    "narrow window": film(windows=(Window(1000.0, 50.0),)),
    "width one": film(windows=(Window(1000.0, 1.0),)),
    "several windows": film(windows=(Window(1000.0, 500.0), Window(3000.0, 100.0))),
    "LINEAR_EXACT": film(voi_function="LINEAR_EXACT", windows=(Window(2000.0, 1500.0),)),
    "LINEAR_EXACT below one": film(voi_function="LINEAR_EXACT", rescale_slope=1 / 4096, windows=(Window(0.5, 0.75),)),
    "SIGMOID": film(voi_function="SIGMOID", windows=(Window(2000.0, 1000.0),)),
    "SIGMOID MONOCHROME1": film(voi_function="SIGMOID", windows=(Window(2000.0, 40.0),), photometric="MONOCHROME1"),
    "VOI table": film(voi_luts=(RAMP,)),
    "falling VOI table that starts late": film(voi_luts=(FALLING, RAMP)),
    "VOI table beside a window": film(voi_luts=(RAMP,), windows=(Window(10.0, 10.0),)),
    "modality table": film(modality_lut=RAMP, windows=(Window(512.0, 1024.0),)),
    "modality table, signed input": film(
        low=-100, high=400, modality_lut=table(range(300), -50, 9), windows=(Window(150.0, 300.0),), **SIGNED
    ),
    "padding value": film(high=40, padding=(7, 7), windows=(Window(20.0, 30.0),)),
    "padding range MONOCHROME1": film(high=40, padding=(30, 39), windows=(Window(20.0, 30.0),), photometric="MONOCHROME1"),
    "no window": film(high=900, windows=()),
    "no window with padding": film(high=900, windows=(), padding=(0, 50), photometric="MONOCHROME1"),
    "eight bits": film(high=256, bits_allocated=8, bits_stored=8, high_bit=7, windows=(Window(127.5, 255.0),)),
    "sixteen bits": film(high=65536, bits_stored=16, high_bit=15, windows=(Window(32768.0, 65536.0),)),
    "LOG data of a DX": film(pixel_relationship="LOG", photometric="MONOCHROME1"),
}


@pytest.mark.parametrize("radiograph", CASES.values(), ids=CASES.keys())
def test_default_recipe_is_the_standard_bit_for_bit(radiograph):
    assert np.array_equal(normalise(radiograph).pixels, reference(radiograph))


@pytest.mark.parametrize("radiograph", CASES.values(), ids=CASES.keys())
def test_values_are_float32_in_the_unit_interval(radiograph):
    pixels = normalise(radiograph).pixels
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0.0
    assert pixels.max() <= 1.0


def test_both_photometric_interpretations_look_the_same():
    bright = film()
    dark = Radiograph(
        4095 - bright.stored, replace(PLAIN, photometric="MONOCHROME1", windows=(Window(2048.0, 4096.0),)), "0" * 64
    )
    assert np.allclose(normalise(bright).pixels, normalise(dark).pixels, atol=1e-6)


def test_inverse_shape_does_not_invert_a_second_time():
    """MONOCHROME1 with INVERSE is one statement made twice; taking it as two inversions shows a negative."""
    once = normalise(film(photometric="MONOCHROME1", presentation_shape="INVERSE")).pixels
    assert np.array_equal(once, normalise(film(photometric="MONOCHROME1", presentation_shape="")).pixels)
    assert not np.allclose(once, normalise(film()).pixels)


def test_choice_among_several_windows_is_recorded():
    assert normalise(CASES["several windows"]).cautions == ("2 alternatives of a window: index 0 is used",)


def test_full_range_is_recorded():
    assert normalise(CASES["no window"]).cautions == (NO_WINDOW,)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"windows": (Window(10.0, 0.0),)}, "IN-WINDOW"),
        ({"windows": (Window(10.0, -50.0),)}, "IN-WINDOW"),
        ({"windows": (Window(10.0, 0.5),)}, "IN-WINDOW"),
        ({"voi_function": "GAMMA"}, "IN-WINDOW"),
        ({"rescale_slope": 0.0}, "IN-SLOPE"),
        ({"padding": (0, 4095)}, "IN-VALUES"),
        ({"rescale_slope": 1e308, "rescale_intercept": 1e308, "windows": ()}, "IN-VALUES"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_impossible_attributes_are_refused(changes, code):
    with pytest.raises(InputRefused, match=code):
        normalise(film(**changes))


def test_unknown_recipe_is_a_fault_of_the_bundle():
    with pytest.raises(BundleError, match=r"BND-PREPROCESSING .* 'nobody-1', expected eda-log-1, tt-default-1"):
        normalise(film(), "nobody-1")


LOG = {"photometric": "MONOCHROME1", "pixel_relationship": "LOG", "presentation_shape": ""}
"""The headers of the E-Da films."""


def eda(values, **changes):
    stored = np.asarray(values, dtype=np.int32)
    return Radiograph(stored, replace(PLAIN, **LOG, **changes), "0" * 64)


EDA_STORED = [[0, 335, 1023, 2047, 4095]]
EDA_GOLDEN = np.array([[1.0, 1.0, 0.5545177444479562, 0.2772588722239781, 0.0]])
"""By hand: -ln((1+x)/4096)/2.5; for 1023 ln(4)/2.5, for 2047 ln(2)/2.5; 0 gives 3.327 and 335 gives 1.0003, clipped to 1."""


def written_wrong(x):
    """TRAP 1: the formula as one public write-up prints it."""
    return np.clip(-np.log(1 + x / 4096) / 2.5, 0, 1)


def inverted_twice(x):
    """TRAP 2: the logarithm inverts, and the photometric interpretation is applied as well."""
    return 1 - np.clip(-np.log((1 + x) / 4096) / 2.5, 0, 1)


def test_eda_recipe_has_its_golden_values():
    assert np.allclose(normalise(eda(EDA_STORED), "eda-log-1").pixels, EDA_GOLDEN, atol=1e-6)


@pytest.mark.parametrize("variant", [written_wrong, inverted_twice])
def test_golden_values_reject_the_known_mistakes(variant):
    assert not np.allclose(variant(np.array(EDA_STORED, dtype=float)), EDA_GOLDEN, atol=0.2)


def test_the_wrong_logarithm_is_all_black_and_ours_is_not():
    stored = np.arange(4096)[None]
    assert written_wrong(stored.astype(float)).max() == 0.0
    assert normalise(eda(stored), "eda-log-1").pixels.max() == 1.0


def test_eda_recipe_shows_low_stored_values_bright():
    pixels = normalise(eda([[400, 3000]]), "eda-log-1").pixels
    assert pixels[0, 0] > pixels[0, 1]


def test_eda_recipe_clips_to_the_window_first():
    pixels = normalise(eda(EDA_STORED, windows=(Window(2048.0, 2048.0),)), "eda-log-1").pixels
    limits = -np.log((1 + np.array([1024.0, 3072.0])) / 4096) / 2.5
    assert np.allclose(pixels[0, [0, 4]], limits, atol=1e-6)


def test_eda_recipe_survives_a_window_below_zero():
    assert normalise(eda(EDA_STORED, windows=(Window(0.0, 2000.0),)), "eda-log-1").pixels.max() == 1.0


@pytest.mark.parametrize(
    "changes",
    [{"photometric": "MONOCHROME2"}, {"photometric": "MONOCHROME2", "pixel_relationship": ""}, {"pixel_relationship": "LIN"}],
)
def test_eda_recipe_refuses_what_it_would_show_inverted(changes):
    radiograph = Radiograph(np.array(EDA_STORED, dtype=np.int32), replace(PLAIN, **{**LOG, **changes}), "0" * 64)
    with pytest.raises(InputRefused, match="IN-POLARITY"):
        normalise(radiograph, "eda-log-1")
