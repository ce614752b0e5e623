"""A record is built again to the same bytes, or what differs is named; nothing is compared under another version, bundle or numeric class."""

import json
import shutil
from copy import deepcopy
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_sw import replay_command
from device_sw.batch.examination import InProcess
from device_sw.batch.run import Batch
from device_sw.device import Device
from device_sw.errors import ReplayFailed
from device_sw.replay import find_input, first_difference, read_record, replay
from device_sw.report.outputs import Wanted
from device_sw.types import Policy
from tests.device_sw.stand_ins import FixedDetector, device
from verification.steps import bundles, films

RUN_TIME = datetime(2026, 11, 21, 9, 30, 5, tzinfo=UTC)


def batch(made, root, *paths, **wanted):
    run = Batch(InProcess(made, Wanted(RUN_TIME, **wanted)), root, print)
    run.take(*paths)
    run.finish()
    return sorted(root.glob("results/*.json")) + sorted(root.glob("refusals/*.json"))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return films.write(films.film(), tmp_path_factory.mktemp("film") / "film.dcm")


@pytest.fixture(scope="module")
def recorded(film, tmp_path_factory):
    return batch(device(), tmp_path_factory.mktemp("recorded"), film, secondary_capture=True)[0]


def built_again(path, made=None, film=None):
    record = read_record(path)
    return replay(record, made or device(policy=record.policy), find_input(record, film))


def refused(path, **options):
    with pytest.raises(ReplayFailed, match="REP-") as caught:
        built_again(path, **options)
    return caught.value


def copied(recorded, folder, change=None):
    """A copy of the whole folder, in which the record may be changed."""
    shutil.copytree(recorded.parent.parent, folder)
    path = folder / "results" / recorded.name
    if change is not None:
        value = json.loads(path.read_text(encoding="utf-8"))
        change(value)
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def test_every_file_of_a_film_comes_out_again(recorded):
    rebuilt = built_again(recorded)
    stem = recorded.stem
    assert rebuilt.absent == ()
    assert set(rebuilt.same) >= {
        f"results/{stem}.json",
        f"overlays/{stem}.png",
        f"pages/{stem}.html",
        *(f"dicom/{stem}/{kind}.dcm" for kind in ("sr", "gsps", "sc")),
    }
    assert rebuilt.same[0] == f"results/{stem}.json"


@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(400, 700), st.integers(400, 700)),
    policy=st.sampled_from(list(Policy)),
)
@settings(max_examples=3, deadline=None)
def test_any_film_comes_out_again(tmp_path_factory, seed, shape, policy):
    folder = tmp_path_factory.mktemp("any")
    path = films.write(films.film(films.picture(*shape, seed=seed)), folder / "film.dcm")
    for record in batch(device(policy=policy), folder / "out", path):
        assert built_again(record).absent == ()


def test_a_network_comes_out_again(film, tmp_path):
    bundle = bundles.untrained(tmp_path / "bundle")
    path = batch(Device(bundle), tmp_path / "out", film)[0]
    trace = json.loads(path.read_text(encoding="utf-8"))["trace"]
    schema = json.loads(files("device_sw").joinpath("decision_trace.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(trace, schema)
    network, on_film, calibrated, marked = (step["candidates"] for step in trace["filters"])
    assert len(network) >= len(on_film) == len(calibrated) > len(marked) > 0
    verdict = replay_command.replayed(path, None, bundle)
    assert (verdict.exit_code, verdict.error, verdict.facts["verdict"]) == (0, "", "same bytes")


def test_a_refusal_comes_out_again(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("no film")
    path = batch(device(), tmp_path / "out", text)[0]
    assert built_again(path).same[0] == f"refusals/{path.name}"


def test_a_refusal_for_another_input_cannot_come_out_of_its_own_film(film, tmp_path):
    twin = films.film(films.picture(seed=3))
    paths = batch(device(), tmp_path / "out", film, films.write(twin, tmp_path / "twin.dcm"))
    assert refused(paths[-1]).code == "REP-RECORD"


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path, value


def other(value):
    """Another value of the same kind, as little changed as the kind allows."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.0000001 + 1e-9
    return "other" if value is None else f"{value}x"


@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_changed_in_a_record_is_named(recorded, data, tmp_path_factory):
    value = json.loads(recorded.read_text(encoding="utf-8"))
    place, old = data.draw(st.sampled_from(sorted(leaves(value), key=str)))

    def change(told):
        for part in place[:-1]:
            told = told[part]
        told[place[-1]] = other(old)

    error = refused(copied(recorded, tmp_path_factory.mktemp("changed") / "out", change))
    assert error.code in {"REP-DIFFERENCE", "REP-RECORD", "REP-INPUT", "REP-VERSION", "REP-BUNDLE", "REP-NUMERIC", "REP-NO-INPUT"}
    if error.code == "REP-DIFFERENCE":
        named = ".".join(str(part) for part in place).replace(".0", "[0]")
        assert str(place[0]) in error.where, named


@pytest.mark.parametrize("name", ["overlays/{}.png", "pages/{}.html", "dicom/{}/sr.dcm", "dicom/{}/gsps.dcm", "dicom/{}/sc.dcm"])
def test_a_changed_file_beside_the_record_is_named(recorded, tmp_path, name):
    path = copied(recorded, tmp_path / "out")
    file = tmp_path / "out" / name.format(path.stem)
    content = bytearray(file.read_bytes())
    content[len(content) - 3] ^= 1
    file.write_bytes(content)
    error = refused(path)
    assert (error.code, error.where) == ("REP-DIFFERENCE", f"{name.format(path.stem)} byte {len(content) - 3}")


def test_a_changed_time_of_one_object_is_named(recorded, tmp_path):
    path = copied(recorded, tmp_path / "out")
    file = tmp_path / "out" / "dicom" / path.stem / "sr.dcm"
    file.write_bytes(file.read_bytes().replace(b"20261121", b"20261122"))
    assert refused(path).code == "REP-DIFFERENCE"


def test_without_objects_the_page_tells_the_time(film, tmp_path):
    path = batch(device(), tmp_path / "out", film, dicom=False)[0]
    assert f"pages/{path.stem}.html" in built_again(path).same


def test_a_record_that_denies_its_page_is_named(recorded, tmp_path):
    path = copied(recorded, tmp_path / "out", lambda value: value.update(page=False))
    assert refused(path).where == f"{path.name} page"


def test_white_space_is_a_difference(recorded, tmp_path):
    path = copied(recorded, tmp_path / "out")
    size = path.stat().st_size
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert refused(path).where == f"{path.name} byte {size}"


def test_a_file_that_lies_elsewhere_is_told_absent(recorded, film, tmp_path):
    alone = tmp_path / "results" / recorded.name
    alone.parent.mkdir()
    shutil.copy(recorded, alone)
    rebuilt = built_again(alone, film=film)
    assert rebuilt.same == (f"results/{recorded.name}",)
    assert f"overlays/{recorded.stem}.png" in rebuilt.absent


def test_without_index_the_film_has_to_be_given(recorded, film, tmp_path):
    path = copied(recorded, tmp_path / "out")
    (tmp_path / "out" / "index.json").unlink()
    assert refused(path).code == "REP-NO-INPUT"
    assert built_again(path, film=film)
    assert refused(path, film=tmp_path / "none.dcm").code == "REP-NO-INPUT"


def test_another_film_is_refused(recorded, tmp_path):
    path = films.write(films.film(films.picture(seed=7)), tmp_path / "other.dcm")
    assert refused(recorded, film=path).code == "REP-INPUT"


def test_another_bundle_version_or_engine_is_refused(recorded):
    for attribute, value, code in (("bundle_sha256", "c" * 64, "REP-BUNDLE"), ("version", "9.9.9", "REP-VERSION")):
        made = device()
        setattr(made, attribute, value)
        assert refused(recorded, made=made).code == code


def test_another_numeric_class_is_refused(recorded, tmp_path):
    def change(value):
        value["trace"]["numeric"]["libraries"]["numpy"] = "1.0"

    error = refused(copied(recorded, tmp_path / "out", change))
    assert (error.code, error.where, error.expected) == ("REP-NUMERIC", "trace.numeric.libraries.numpy", '"1.0"')


def test_another_answer_of_the_network_is_named(recorded):
    error = refused(recorded, made=device(FixedDetector(found=())))
    assert error.code == "REP-DIFFERENCE"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema": "thoratrace/summary/1"}', b'{"schema": "thoratrace/result/1"}', b"\xff"]
)
def test_what_is_no_record_is_refused(tmp_path, content):
    path = tmp_path / "0001-00000000.json"
    path.write_bytes(content)
    with pytest.raises(ReplayFailed, match="REP-RECORD"):
        read_record(path)


def test_a_record_under_another_name_is_refused(recorded, tmp_path):
    path = tmp_path / "0002-00000000.json"
    shutil.copy(recorded, path)
    with pytest.raises(ReplayFailed, match=r"REP-RECORD .* name does not belong"):
        read_record(path)


@pytest.mark.parametrize(("code", "exit_code"), [("REP-VERSION", 3), ("REP-RECORD", 1)])
def test_the_verdict_tells_what_failed_from_what_could_not_be_compared(recorded, tmp_path, code, exit_code):
    changes = {"REP-VERSION": lambda value: value["device"].update(version="0.0.0"), "REP-RECORD": lambda value: value.clear()}
    verdict = replay_command.replayed(copied(recorded, tmp_path / "out", changes[code]), None, Path("nowhere"))
    assert (verdict.exit_code, verdict.facts["code"]) == (exit_code, code)
    assert verdict.error.startswith(code)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=2), part, max_size=3),
        max_leaves=8,
    )
)
def test_equal_values_have_no_difference(value):
    assert first_difference(value, deepcopy(value), "") is None
