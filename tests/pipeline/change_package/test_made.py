"""What was made and sealed, the settings, and the performance: compared where both ends are sealed and here, and never called unchanged where not."""

import json
import shutil
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.change_package import performance, settings
from pipeline.change_package.comparison import compare
from pipeline.change_package.ends import open_pair
from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.made_parts import DATA, MODEL_VERSION, WEIGHTS, State
from tests.pipeline.change_package.releases import STAGES, metrics
from tests.pipeline.release.sealed import sha256


def between(releases, span="0.1.0..0.2.0"):
    return compare(releases.root, open_pair(releases.root, span))


def states(comparison):
    return {each.name: each.state for each in (*comparison.claims, *comparison.parts)}


def test_parts_of_two_releases(releases):
    releases.release("0.2.0", weights=b"other weights", page="Adults and children.", parts={"files/new.json": b"{}"})
    found = states(between(releases))
    assert {found[name] for name in (WEIGHTS, "bundle/weights.safetensors", "archive/technical_file/html/index.html")} == {
        State.OTHER
    }
    assert {found[name] for name in (MODEL_VERSION, DATA, "archive/wheel/device.whl", "files/people.toml")} == {State.EQUAL}
    assert found["files/new.json"] is State.ADDED
    assert states(between(releases, "0.1.0"))["files/params.yaml"] is State.NOT_COMPARED


def test_a_part_that_one_release_only_has(releases):
    releases.release("0.2.0", parts={"files/new.json": b"{}"})
    releases.release("0.3.0")
    assert states(between(releases, "0.2.0..0.3.0"))["files/new.json"] is State.REMOVED


def test_lists_of_figures_are_no_documents_because_figures_are_compared_by_themselves(releases):
    releases.release("0.2.0", parts={"archive/technical_file/html/sources/source-a-json.html": b"<h1>Figures</h1>0.5"})
    found = states(between(releases, "0.1.0..0.2.0"))
    assert found["archive/technical_file/html/sources/source-a-json.html"] is State.ADDED
    assert between(releases, "0.1.0..0.2.0").pages == ()


@pytest.mark.parametrize("gone", ["0.1.0", "0.2.0"])
def test_what_only_an_absent_archive_holds_is_not_compared(releases, gone):
    """The records name equal hashes of the wheel; nobody hashed it here, so it is not called equal."""
    releases.release("0.2.0", page="Adults and children.")
    assert [each.name for each in between(releases).pages] == ["archive/technical_file/html/index.html"]
    shutil.rmtree(releases.root / "artifacts/releases" / gone)
    comparison = between(releases)
    archived = [each for each in comparison.parts if each.name.startswith("archive/")]
    assert {each.state for each in archived} == {State.NOT_COMPARED}
    assert {each.reason for each in archived} == {f"release {gone}: kept in the archive, which is not here"}
    assert comparison.pages == ()
    assert states(comparison)["bundle/manifest.json"] is State.EQUAL


def test_stages_of_two_releases_are_compared_by_their_recorded_inputs(releases):
    releases.release("0.2.0", stages=STAGES | {"prepare": {"artifacts/cohort": "9" * 64}})
    found = {each.stage: each for each in between(releases).stages}
    assert (found["cohort"].inputs, found["prepare"].inputs, found["train"].because) == ((), ("artifacts/cohort",), ("prepare",))
    assert [each.is_stale for each in found.values()] == [False, True, True]


def test_a_changed_source_makes_what_rests_on_it_stale(releases):
    releases.project.write("phantom/thorax.py", "RIBS = 22\n")
    comparison = between(releases, "0.1.0")
    found = {each.stage: (each.inputs, each.because) for each in comparison.stages}
    assert found == {"cohort": (("phantom",), ()), "prepare": ((), ("cohort",)), "train": ((), ("prepare",))}


def test_settings_of_two_releases_and_of_a_working_tree(releases):
    releases.project.write("params.yaml", "profile: phantom\nbudget: quick\nmodel_version: 0.1.0\ntrain: {seed: 8, scales: []}\n")
    releases.project.write("device.lock", "numpy==2.4.1\ntorch==2.15.0\n")
    releases.project.write("requirements.lock", "numpy==2.4.1 \\\n    --hash=sha256:00\npytest==9.2.0\n")
    for comparison in (between(releases, "0.1.0"), (releases.release("0.2.0"), between(releases))[1]):
        assert {each.name: (each.before, each.after) for each in comparison.parameters} == {
            "train.seed": ("7", "8"),
            "train.scales": ("", "[]"),
        }
        assert {each.name: (each.before, each.after) for each in comparison.components} == {
            "numpy": ("2.4.0", "2.4.1"),
            "torch": ("", "2.15.0"),
        }
        assert {each.name for each in comparison.tools} == {"pytest"}


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"1", b"'1'"), (b"1", b"1.0"), (b"''", b"null"), (b"[]", b"'[]'"), (b"[1, 2]", b"'1, 2'"), (b"{}", b"'{}'")],
)
def test_parameters_of_another_type_differ(before, after):
    assert [each.name for each in settings.parameters(b"a: " + before, b"a: " + after)] == ["a"]


def test_an_empty_parameter_is_not_an_absent_one():
    assert [(each.before, each.after) for each in settings.parameters(b"b: 1", b"{a: '', b: 1}")] == [("", '""')]


LOCK = "numpy==2.4.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n    # via torch\n"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (LOCK, []),
        (LOCK.replace("11", "22"), [("numpy", "2.4.0, with sha256:11", "2.4.0, with sha256:22")]),
        (LOCK.replace("00", "11"), [("numpy", "2.4.0, with sha256:00", "2.4.0, with no hash of its own")]),
        (LOCK.replace("2.4.0", "2.4.1"), [("numpy", "2.4.0", "2.4.1")]),
    ],
)
def test_a_pin_with_other_bytes_is_another_component(after, expected):
    assert [(each.name, each.before, each.after) for each in settings.components(LOCK, after)] == expected


@pytest.mark.parametrize("content", [b"- a list\n", b"a: [\n"])
def test_parameters_of_another_form_are_refused(content):
    with pytest.raises(ChangePackageRefused, match=r"CPK-SOURCE at params\.yaml"):
        settings.parameters(b"a: 1\n", content)


def test_settings_that_are_gone_are_refused(releases):
    (releases.root / "device.lock").unlink()
    with pytest.raises(ChangePackageRefused, match=r"CPK-SOURCE at device\.lock of working tree.*FileNotFoundError"):
        between(releases, "0.1.0")


def exam_of(releases, **changes):
    releases.release("0.2.0", validation=metrics(**changes))
    return between(releases).exams[0]


def test_a_figure_before_and_after_with_hash_and_pointer(releases):
    exam = exam_of(releases, value=0.85)
    figure = next(each for each in exam.figures if each.name == "/endpoints/ap50-macro")
    assert (figure.before.value, figure.after.value, figure.difference) == (0.8, 0.85, 0.05)
    assert (figure.after.low, figure.after.high) == pytest.approx((0.8, 0.9))
    assert (figure.after.n, figure.after.pointer) == (9, "/endpoints/0")
    sealed = releases.root / "releases/0.2.0/files/validation.json"
    assert exam.after.sha256 == sha256(sealed.read_bytes())
    value = json.loads(sealed.read_bytes())
    for step in figure.after.pointer.removeprefix("/").split("/"):
        value = value[int(step)] if isinstance(value, list) else value[step]
    assert value["value"] == figure.after.value


def test_another_exam_has_no_difference(releases):
    exam = exam_of(releases, value=0.85, budget="release")
    assert exam.other == ("/budget: quick before, release after",)
    assert {(each.difference, each.reason) for each in exam.figures} == {(None, "/budget: quick before, release after")}


def exams_with(twice, *, data_root=None, weights=None):
    """Return the exams of two equal releases, of which the record of the second names other data or other weights."""
    pair = open_pair(twice.root, "0.1.0..0.2.0")
    record = pair.after.sealed.record
    record = replace(
        record,
        data_root=data_root or record.data_root,
        model=replace(record.model, weights_sha256=weights or record.model.weights_sha256),
    )
    after = replace(pair.after, sealed=replace(pair.after.sealed, record=record))
    return performance.exams(pair.before, after, twice.root, twice.root)


def test_as_many_films_of_other_data_are_another_exam(twice):
    assert exams_with(twice)[0].other == ()
    exam = exams_with(twice, data_root="b" * 64)[0]
    assert exam.other == (f"data: {sha256(b'data')[:16]} before, {'b' * 16} after",)
    assert {each.difference for each in exam.figures} == {None}


def test_films_that_were_drawn_for_other_weights_are_another_exam():
    source = performance.Source("validation.json", "0" * 64, "phantom results")
    exam = performance._exam(performance.LOCKED, (source, metrics()), (source, metrics(0.9)), ("weights: a before, b after",))
    assert exam.other == ("weights: a before, b after",)
    assert {each.difference for each in exam.figures} == {None}


@pytest.mark.parametrize("change", [{"low": 0.7}, {"high": 0.9}, {"n": 10}, {"value": 0.81}, {}])
def test_a_figure_with_another_interval_or_number_is_changed(change):
    old = performance.Figure("/figures/0", 0.8, 0.75, 0.85, 9, "")
    made = performance.FigureChange("x", old, replace(old, **change), 0.0, "")
    assert made.is_changed is bool(change)
    assert not replace(made, reason="another exam").is_changed


def test_an_undefined_figure_stays_undefined_with_its_reason(releases):
    empty = {"scoliosis": {"value": None, "interval": None, "denominator": 0, "reason": "no such film"}}
    exam = exam_of(releases, figures={"ap50": empty})
    figure = next(each for each in exam.figures if each.name == "/figures/ap50/scoliosis")
    assert (figure.after.value, figure.difference, figure.reason) == (None, None, "undefined: no such film")


def test_nothing_sealed_has_no_figures(released):
    exam = between(released, "0.1.0").exams[0]
    assert (exam.after.sha256, exam.after.reason) == ("", "nothing is sealed yet")
    assert {each.after for each in exam.figures} == {None}


def test_metrics_of_another_form_are_refused(releases):
    releases.release("0.2.0", validation={"figures": {}})
    with pytest.raises(ChangePackageRefused, match=r"CPK-PART at files/validation\.json: found KeyError"):
        between(releases)


LOCKED = "evidence/locked_validation/1/validation.json"


def judged(releases, content):
    """Enter a judgement of the locked cohort for the weights that are released next."""
    releases.project.write(LOCKED, content)
    facts = {"evidence": LOCKED, "evidence_sha256": sha256(content.encode()), "weights_sha256": sha256(b"weights")}
    releases.log.add(event="locked-cohort-judged", facts=facts)


def test_the_judgement_of_the_locked_cohort_is_the_one_of_the_sealed_log(releases):
    judged(releases, json.dumps(metrics(0.9)))
    releases.release("0.2.0")
    exam = between(releases).exams[1]
    assert (exam.after.name, exam.before.reason) == (LOCKED, "the sealed audit log holds no judgement of these weights")
    assert next(each for each in exam.figures if each.name == "/endpoints/ap50-macro").after.value == 0.9


def test_another_judgement_than_the_log_names_is_refused(releases):
    judged(releases, json.dumps(metrics(0.9)))
    releases.project.write(LOCKED, json.dumps(metrics(0.99)))
    releases.release("0.2.0")
    with pytest.raises(ChangePackageRefused, match=rf"CPK-PART at {LOCKED}: found another SHA-256"):
        between(releases)


VALUES = st.recursive(
    st.one_of(st.floats(0, 1), st.text("ab/~", max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab/~", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES, st.floats(0, 1))
def test_a_pointer_leads_to_its_figure(inner, value):
    """Every figure that is found is found again by its pointer (RFC 6901), whatever names lie on the way."""
    data = {"a/b": [inner, {"~": {"value": value, "interval": None, "n": 3}}]}
    found = dict(performance.figures(data))
    assert any(each.value == value for each in found.values())
    for figure in found.values():
        at = data
        for step in figure.pointer.removeprefix("/").split("/"):
            at = at[int(step)] if isinstance(at, list) else at[step.replace("~1", "/").replace("~0", "~")]
        assert asdict(figure)["value"] == at["value"]
