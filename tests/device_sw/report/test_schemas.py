"""What the device writes as JSON holds to the published schemas (docs/schemas), and what breaks a promise of theirs does not."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from device_sw import cli
from verification.steps import bundles, films

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = {
    name: json.loads((ROOT / path).read_text(encoding="utf-8"))
    for name, path in {
        "result": "docs/schemas/result.schema.json",
        "refusal": "docs/schemas/refusal.schema.json",
        "trace": "device_sw/decision_trace.schema.json",
    }.items()
}


def holds(name, value):
    jsonschema.Draft202012Validator(SCHEMAS[name]).validate(value)


@pytest.fixture(scope="module", params=["intended-use", "research"])
def written(request, tmp_path_factory):
    """Results and records of a film, a knee and a text under a policy, with maps of marks."""
    folder = tmp_path_factory.mktemp("schemas")
    bundle = bundles.untrained(folder / "bundle")
    (folder / "in").mkdir()
    films.write(films.film(), folder / "in" / "a.dcm")
    knee = films.film(name="knee")
    knee.BodyPartExamined = "KNEE"
    films.write(knee, folder / "in" / "b.dcm")
    (folder / "in" / "c.txt").write_text("no film")
    options = ["--bundle", str(bundle), "--policy", request.param, "--explain", "grad-cam", "--secondary-capture"]
    CliRunner().invoke(cli.app, ["analyse", str(folder / "in"), "-o", str(folder / "out"), *options])
    return folder / "out"


def values(folder, kind):
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / kind).glob("*.json"))]


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_results_hold_to_the_schema(written):
    (result,) = values(written, "results")
    holds("result", result)
    holds("trace", result["trace"])


def test_refusals_hold_to_the_schema(written):
    records = values(written, "refusals")
    assert len(records) == 2
    for record in records:
        holds("refusal", record)


BREAKS = {
    "a finding without boxes that is marked": (
        lambda value: value["findings"][0].update(state="marked", detections=[]),
        "non-empty",
    ),
    "a finding less": (lambda value: value["findings"].pop(), "too short"),
    "an operating point above 1": (lambda value: value["findings"][0].update(operating_point=1.5), "greater than the maximum"),
    "a word for normal": (lambda value: value.update(status="normal"), "'analysed' was expected"),
    "an unknown key": (lambda value: value.update(patient="x"), "Additional properties are not allowed"),
    "the mark of another policy": (
        lambda value: value.update(policy="research" if "mark" not in value else "intended-use"),
        "'mark' is a required|should not be valid under",
    ),
    "no statement": (lambda value: value.pop("statement"), "'statement' is a required property"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_what_breaks_a_promise_is_refused(written, broken):
    value = copy.deepcopy(values(written, "results")[0])
    harm, said = BREAKS[broken]
    harm(value)
    with pytest.raises(jsonschema.ValidationError, match=said):
        holds("result", value)
