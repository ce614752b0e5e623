"""A plan becomes a bundle whose classifier was trained byte for byte the same twice, whose cut-off spares films with findings, and whose scores are calibrated after fusion."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.detector.bundle import load_bundle
from device_sw.device import Device
from device_sw.dicom.reader import read
from device_sw.errors import BundleError
from device_sw.preprocessing.geometry import letterbox, to_network
from device_sw.preprocessing.intensity import normalise
from device_sw.types import Box, Letterbox
from pipeline.second_opinions.cut_off import cut_off
from pipeline.second_opinions.making import make
from pipeline.second_opinions.plan import read_plan
from pipeline.second_opinions_cli import PLAN
from pipeline.training.classifier import ClassifierConfiguration, balanced_loss, scores, train
from pipeline.training.dataset import PreparedFilm, PreparedSplit, quantise, write_split
from verification.steps import bundles, films

TABLE = {
    "widths": [8, 8, 16],
    "blocks": 1,
    "warm_start": True,
    "head_penalty": 0.01,
    "seed": 3,
    "epochs": 1,
    "batch": 4,
    "learning_rate": 0.0005,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "warmup_steps": 2,
    "clip_norm": 5.0,
    "average_decay": 0.9,
    "rotation_deg": 2.0,
    "exposure": 0.05,
}


def quiet(_done, _total, _text):
    pass


def split(count, seed):
    """Films of noise, of which the abnormal ones have a bright patch at one place."""
    generator = np.random.default_rng(seed)
    pixels = generator.random((count, 128, 128)).astype(np.float32) * 0.4
    rows = []
    for index in range(count):
        shows = index % 2 == 0
        if shows:
            pixels[index, 20:60, 70:110] += 0.5
        boxes = np.array([[70, 20, 110, 60]] if shows else [], np.float32).reshape(-1, 4)
        rows.append(PreparedFilm(f"F{index}", boxes, np.array([1] if shows else [], np.int64)))
    return PreparedSplit(quantise(pixels), tuple(rows))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return allowed(bundles.untrained(tmp_path_factory.mktemp("base") / "bundle"), 0.5)


def allowed(bundle, budget):
    """Let a bundle state how many false positives a film its operating points were allowed; None takes the statement away."""
    values = json.loads((bundle / "thresholds.json").read_text(encoding="utf-8"))
    values.pop("false_positives_per_film", None)
    values |= {} if budget is None else {"false_positives_per_film": budget}
    (bundle / "thresholds.json").write_text(json.dumps(values), encoding="utf-8")
    return bundles.seal(bundle)


def trained(base, **changes):
    configuration = ClassifierConfiguration.from_table({**TABLE, **changes})
    return train(split(16, 1), split(8, 2), configuration, detector=load_bundle(base).weights, progress=quiet)


def test_the_same_films_give_the_same_weights_bit_for_bit(base):
    one, other = trained(base), trained(base)
    assert all(np.array_equal(value.numpy(), other.state[name].numpy()) for name, value in one.state.items())
    assert one.history == other.history


def test_a_classifier_tells_films_apart_that_differ_at_a_place(base):
    from device_sw.detector.classifier_network import ClassifierNetwork

    made = trained(base, epochs=0)
    network = ClassifierNetwork(made.shape)
    network.load_state_dict(made.state)
    found = scores(network, split(8, 9))
    assert found[::2].min() > 0.5 > found[1::2].max()


def test_without_epochs_a_warm_start_keeps_the_detectors_trunk(base):
    made = trained(base, epochs=0)
    assert made.history == []
    assert np.array_equal(made.state["stem.conv.weight"].numpy(), load_bundle(base).weights["backbone.stem.conv.weight"])


def test_films_of_one_class_train_nothing(base):
    films_of_one = PreparedSplit(split(4, 1).pixels, tuple(film for film in split(8, 1).films if len(film.labels))[:4])
    with pytest.raises(ValueError, match="films with and without findings, got 4 and 0"):
        train(
            films_of_one,
            films_of_one,
            ClassifierConfiguration.from_table({**TABLE, "warm_start": False}),
            detector=None,
            progress=quiet,
        )


def test_a_warm_start_from_nothing_is_refused(base):
    with pytest.raises(ValueError, match="a warm start needs a detector"):
        train(split(4, 1), split(4, 2), ClassifierConfiguration.from_table(TABLE), detector=None, progress=quiet)


@pytest.mark.parametrize("change", [{"seeds": 3}, {"seed": None}])
def test_a_table_with_other_keys_is_refused(change):
    table = {**TABLE, **change}
    if table["seed"] is None:
        del table["seed"]
    with pytest.raises(ValueError, match="classifier table"):
        ClassifierConfiguration.from_table(table)


@settings(deadline=None)
@given(values=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=3, max_size=60), allowed=st.integers(0, 2))
def test_no_more_films_with_findings_than_allowed_lie_below_the_cut_off(values, allowed):
    found, shows = np.array([v for v, _ in values]), np.array([s for _, s in values])
    if shows.sum() <= allowed:
        with pytest.raises(ValueError, match="give no cut-off"):
            cut_off(found, shows, allowed)
        return
    value, record = cut_off(found, shows, allowed)
    assert record.suppressed_abnormal == int((found[shows] < value).sum()) <= allowed
    assert record.suppressed_normal == int((found[~shows] < value).sum())


def test_the_loss_does_not_depend_on_how_many_films_a_class_has():
    found, shows = np.array([0.8, 0.3]), np.array([True, False])
    more = np.array([0.8, 0.3, 0.3, 0.3]), np.array([True, False, False, False])
    assert balanced_loss(found, shows) == pytest.approx(balanced_loss(*more))


def test_the_committed_plan_is_one():
    plan = read_plan(PLAN)
    assert plan.classifier is not None
    assert plan.tiling is not None
    assert len(plan.views) == 4


@pytest.mark.parametrize(
    ("text", "found"), [("x = 1\n", "missing"), ('schema = "other"\n[fusion]\nlimit = 0.5\n', "schema 'other'")]
)
def test_a_plan_that_is_none_is_refused(tmp_path, text, found):
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(ValueError, match=found):
        read_plan(tmp_path / "plan.toml")


PLANNED = """
schema = "thoratrace/second-opinion-plan/1"
[fusion]
limit = 0.55
[[views]]
scale = 0.93
"""


@pytest.fixture(scope="module")
def run(base, tmp_path_factory):
    """The artifacts of a run of eight films: cohort, prepared films and the untrained bundle."""
    artifacts = tmp_path_factory.mktemp("run")
    bundles.copy(base, artifacts / "bundle")
    (artifacts / "prepared").mkdir()
    (artifacts / "cohort").mkdir()
    rows, pixels, listed = [], [], []
    for number in range(6):
        stored = films.picture(seed=number)
        films.write(films.film(stored), artifacts / "cohort" / f"{number}.dcm")
        seen = letterbox(normalise(read(artifacts / "cohort" / f"{number}.dcm"), "tt-default-1"), 128)
        box = to_network(Box(100, 100, 300, 300), Letterbox(512, 512, 128)).as_tuple()
        rows.append({"film_id": f"F{number}", "boxes": [list(box)] if number % 2 else [], "labels": [1] if number % 2 else []})
        pixels.append(quantise(seen.pixels))
        listed.append({"film_id": f"F{number}", "path": f"{number}.dcm"})
    for name in ("train", "val"):
        write_split(artifacts / "prepared", name, np.stack(pixels), rows)
    (artifacts / "cohort" / "cohort.json").write_text(json.dumps({"films": listed}))
    return artifacts


def test_a_plan_of_views_gives_a_bundle_that_starts_with_curves_of_its_own(run, tmp_path):
    (tmp_path / "plan.toml").write_text(PLANNED)
    made = make(run, read_plan(tmp_path / "plan.toml"), tmp_path / "made", members=[run / "bundle"], progress=quiet)
    device = Device(made)
    assert device.settings.model_version.endswith("+second-opinions")
    assert device.settings.calibration != Device(run / "bundle").settings.calibration
    result = device.analyse(run / "cohort" / "0.dcm", explain=False)
    looks = result.trace.filters[2].parameters["looks"]
    assert [(look["network"], look["view"]["scale"]) for look in looks] == [
        (name, scale) for name in ("network", "member_1") for scale in (1.0, 0.93)
    ]


def test_a_bundle_that_states_no_budget_of_false_positives_is_not_given_other_operating_points(run, tmp_path):
    (tmp_path / "plan.toml").write_text(PLANNED)
    allowed(run / "bundle", None)
    with pytest.raises(ValueError, match="does not state how many false positives its operating points were allowed"):
        make(run, read_plan(tmp_path / "plan.toml"), tmp_path / "made", progress=quiet)
    allowed(run / "bundle", 0.5)


def test_too_few_films_with_findings_make_no_classifier(run, tmp_path):
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**TABLE, "epochs": 0}.items())
    text = (
        PLANNED.replace("[[views]]\nscale = 0.93\n", "")
        + f"[classifier]\nkept_above = 0.9\nmay_suppress = 0\n[classifier.training]\n{table}"
    )
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(BundleError, match="BND-CUT-OFF"):
        make(run, read_plan(tmp_path / "plan.toml"), tmp_path / "made", progress=quiet)
