"""The locked cohort is opened once, by a frozen protocol, for one model; a run that dies goes on, and nothing else takes its place.

Films, device and figures are stand-ins here: what is tried is the order, the log and the refusals.
"""

import json
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from pipeline import audit_log, locked_cohort, locked_opening, protocol_cli, signing
from pipeline.cli import app
from pipeline.keyring import Keyring
from pipeline.run import file_sha256, write_json
from tests.pipeline.conftest import sha256, write_bundle
from tests.verification.trace.audit_entries import people_toml
from tests.verification.trace.conftest import project, sealed  # noqa: F401  fixtures of the small project
from validation import protocol
from verification.trace import gate
from verification.trace.audit_log import AUDIT, Event
from verification.trace.people import Person

runner = CliRunner()
STUDIES = 40
TEXT = protocol.files("validation").joinpath("protocol.toml").read_text(encoding="utf-8")
VERSION = protocol.load().version
PARAMS = "profile: phantom\nbudget: quick\nmodel_version: 0.1.0\nprepare: {preprocessing: tt-default-1}\npredict: {policy: intended-use}\n"


class Crash(Exception):
    """Stands for whatever ends a process in the middle."""


class Bench:
    """The small project with a protocol for a small locked cohort, people with keys, a model, and stand-ins for what takes long."""

    def __init__(self, small, keys, untrained, monkeypatch):
        self.project, self.root, self.keys, self.untrained = small, small.root, keys, untrained
        self.asked, self.generated, self.crash_at = [], [], None
        ring, begin = Keyring(keys), datetime.now(UTC) - timedelta(hours=1)
        small.write("people.toml", people_toml())
        for name, role in (("DEMO-quality", "quality assurance"), ("DEMO-safety", "clinical safety")):
            signing.add_key(small.root, Person(name, "demonstration", (role,), ()), ring.create(), 1, begin)
        small.write("validation/protocol.toml", self.protocol())
        small.write("params.yaml", PARAMS)
        self.model()
        for name, stand_in in (("generate", self.generate), ("outcome_of", self.outcome), ("validate", self.validate)):
            monkeypatch.setattr(locked_cohort, name, stand_in)
        monkeypatch.setattr(locked_cohort, "ProcessPoolExecutor", Serial)
        monkeypatch.setattr(locked_cohort, "_device", lambda bundle, policy: SimpleNamespace())
        monkeypatch.setattr(locked_cohort, "predictions_of", lambda device, outcomes: {"films": list(outcomes)})
        monkeypatch.setattr(protocol_cli, "_root", lambda: small.root)

    @staticmethod
    def protocol(**changes):
        text = TEXT.replace(
            'budget = "release"\nstudies = 1500', f'budget = "quick"\nstudies = {changes.get("studies", STUDIES)}'
        )
        start, end = text.index('[[sample_size.endpoint]]\nid = "cpm-macro"'), text.index("# The quick set checks")
        text = (text[:start] + text[end:]).replace("assumed = 0.92", "assumed = 0.99")
        text = text.replace("smallest_subgroup = 0.1 ", "smallest_subgroup = 0.9 ")
        start, end = (text.index(f'[[set.endpoint]]\nid = "{name}"') for name in ("ap50-macro", "ap50-macro-lower"))
        text = (text[:start] + text[end:]).replace('id = "ap50-macro-lower"', 'id = "ap50-macro"')
        return text.replace(f'version = "{VERSION}"', f'version = "{changes.get("version", VERSION)}"')

    def model(self, seed=0):
        """Leave a development cohort and a model made with it."""
        films = [{"film_id": f"P{k:04d}-1", "patient_id": f"P{k:04d}", "split": "train", "seed": seed} for k in range(3)]
        index = self.root / "artifacts/cohort/cohort.json"
        write_json(index, {"films": [*films, {"film_id": "P0009-1", "patient_id": "P0009", "split": "test"}]})
        folder = self.root / "artifacts/bundle"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.untrained, folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["lineage"] |= {"cohort_sha256": sha256(index)}
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def generate(self, destination, *, seed, patients, **_):
        self.generated.append(seed)
        films = [
            {"film_id": f"P{k:04d}-1", "patient_id": f"P{k:04d}", "split": "test", "path": f"films/{k}.dcm"}
            for k in range(STUDIES)
        ]
        assert patients == {"test": STUDIES}
        write_json(destination / "cohort.json", {"seed": seed, "films": films})

    def outcome(self, _, path):
        if len(self.asked) == self.crash_at:
            self.crash_at = None
            raise Crash
        self.asked.append(path.name)
        return {"status": "analysed", "code": None, "candidates": []}

    def validate(self, run):
        for name in locked_cohort.KEPT_PLOTS:
            (run.artifact("validation") / name).parent.mkdir(parents=True, exist_ok=True)
            (run.artifact("validation") / name).write_bytes(b"png")
        predictions = json.loads((run.artifact("predictions") / "predictions.json").read_text())
        films = [film["film_id"] for film in predictions["films"]]
        here = protocol.identity_of((self.root / protocol.PROTOCOL).read_text())
        return {
            "films_are": "phantom results",
            "statement": "a test",
            "primary_passed": True,
            "protocol": {"sha256": here},
            "endpoints": [],
            "films": films,
        }

    def signer(self, name="DEMO-quality"):
        return audit_log.Signer(name, "", "done by a test, for a test", Keyring(self.keys))

    def freeze(self):
        return locked_opening.freeze(self.root, self.signer())

    def open(self):
        return locked_cohort.open_cohort(self.root, self.signer(), quiet)

    def events(self):
        return [each.event for each in audit_log.read_trail(self.root).entries]

    def run(self, *arguments, code=0):
        options = ["--as", "DEMO-quality", "--statement", "done by a test, for a test"] if arguments[-1] != "show" else []
        done = runner.invoke(app, ["protocol", *arguments, *options], env={"THORATRACE_KEYS": str(self.keys), "COLUMNS": "200"})
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.output


class Serial:
    """A pool of nobody but ourselves."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    @staticmethod
    def map(function, tasks, **_):
        return map(function, tasks)


@contextmanager
def quiet(_):
    yield lambda *_: None


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "bundle"
    write_bundle(folder)
    return folder


@pytest.fixture
def bench(project, tmp_path, untrained, monkeypatch):  # noqa: F811
    return Bench(project, tmp_path / "keys", untrained, monkeypatch)


def refused(code, found=""):
    return pytest.raises(locked_opening.LockedCohortRefused, match=rf"{code} at validation/protocol\.toml: found .*{found}")


def test_a_frozen_protocol_is_opened_and_its_result_is_what_the_gate_asks_for(bench):
    bench.freeze()
    record = bench.open()
    assert bench.events() == [Event.FROZEN, Event.OPENED, Event.JUDGED]
    trail = audit_log.read_trail(bench.root)
    opened, judged = trail.entries[1], trail.entries[2]
    weights = sha256(bench.root / "artifacts/bundle/weights.safetensors")
    seed = protocol.locked_seed(opened.fact("protocol_sha256"), weights)
    assert bench.generated == [seed]
    assert (opened.fact("weights_sha256"), opened.fact("seed")) == (weights, f"{seed:064x}")
    assert file_sha256(bench.root / judged.fact("evidence")) == judged.fact("evidence_sha256")
    assert json.loads((bench.root / judged.fact("evidence")).read_text())["films"] == record["films"]
    assert {"AUD-LOCKED"} & {each.code for each in bench.project.check(gate.Level.RELEASE).problems} == set()


def test_films_of_the_locked_cohort_stand_apart_from_those_the_model_was_made_with(bench):
    bench.freeze()
    record = bench.open()
    assert record["films"] == [f"locked-P{k:04d}-1" for k in range(STUDIES)]
    (index,) = (bench.root / "artifacts/locked").glob("*/artifacts/cohort/cohort.json")
    films = json.loads(index.read_text())["films"]
    assert [film["split"] for film in films] == ["train"] * 3 + ["test"] * STUDIES
    assert len({film["patient_id"] for film in films}) == len(films)


def test_the_opening_is_entered_before_the_first_film_is_made(bench, monkeypatch):
    bench.freeze()
    seen = []
    monkeypatch.setattr(locked_cohort, "generate", lambda *_, **__: seen.append(bench.events()) or (_ for _ in ()).throw(Crash))
    with pytest.raises(Crash):
        bench.open()
    assert seen == [[Event.FROZEN, Event.OPENED]]


def test_an_unfrozen_protocol_is_not_opened(bench):
    with refused("LCK-UNFROZEN", r"not frozen \(frozen: none\)"):
        bench.open()
    assert not (bench.root / AUDIT).exists()
    assert bench.generated == []


def test_a_protocol_changed_after_freezing_is_not_opened(bench):
    bench.freeze()
    bench.project.replace("validation/protocol.toml", "threshold = 0.6\n", "threshold = 0.5\n")
    with refused("LCK-UNFROZEN"):
        bench.open()
    assert bench.events() == [Event.FROZEN]


def test_a_result_stands_and_is_not_made_again(bench):
    bench.freeze()
    bench.open()
    with refused("LCK-DONE", "evidence/locked_validation"):
        bench.open()
    assert bench.events().count(Event.OPENED) == 1


def test_a_run_that_died_goes_on_where_it_was_with_one_opening(bench):
    bench.freeze()
    bench.crash_at = 11
    with pytest.raises(Crash):
        bench.open()
    record = bench.open()
    assert bench.events() == [Event.FROZEN, Event.OPENED, Event.JUDGED]
    assert len(bench.generated) == 1
    assert sorted(bench.asked) == sorted(f"{k}.dcm" for k in range(STUDIES))
    assert len(record["films"]) == STUDIES


def test_an_answer_that_a_crash_cut_is_asked_again(bench):
    bench.freeze()
    bench.crash_at = 11
    with pytest.raises(Crash):
        bench.open()
    (parts,) = (bench.root / "artifacts/locked").glob("*/artifacts/predictions/parts.jsonl")
    parts.write_bytes(parts.read_bytes()[:-20])
    assert len(bench.open()["films"]) == STUDIES
    assert len(bench.asked) == STUDIES + 1


def test_another_model_cannot_take_the_place_of_the_opened_one(bench, monkeypatch):
    bench.freeze()
    bench.crash_at = 3
    with pytest.raises(Crash):
        bench.open()
    bench.model(seed=1)
    with refused("LCK-OPENED", "bundle_sha256 .* opened at"):
        bench.open()
    assert bench.events() == [Event.FROZEN, Event.OPENED]


def test_changed_device_code_cannot_go_on(bench):
    bench.freeze()
    bench.crash_at = 3
    with pytest.raises(Crash):
        bench.open()
    bench.project.write("device_sw/device.py", "ADULT = 17\n")
    with refused("LCK-CODE", "code_sha256 .* opened at"):
        bench.open()


def test_a_new_version_of_the_protocol_opens_other_films(bench):
    bench.freeze()
    bench.open()
    bench.project.write("validation/protocol.toml", bench.protocol(version="9.0.0"))
    bench.freeze()
    bench.open()
    assert len(set(bench.generated)) == 2
    assert bench.events() == [Event.FROZEN, Event.OPENED, Event.JUDGED] * 2


def test_too_few_studies_cannot_be_frozen_and_nothing_is_frozen_twice(bench):
    bench.freeze()
    with refused("LCK-FROZEN", "frozen already"):
        bench.freeze()
    bench.project.write("validation/protocol.toml", bench.protocol(studies=35))
    with refused("LCK-SIZE", "35 studies, expected at least 36"):
        bench.freeze()


@pytest.mark.parametrize("harm", ["no bundle", "no cohort", "another cohort", "another budget"])
def test_without_the_model_and_its_training_films_nothing_is_opened(bench, harm):
    bench.freeze()
    manifest = bench.root / "artifacts/bundle/manifest.json"
    if harm == "no bundle":
        manifest.unlink()
    elif harm == "no cohort":
        (bench.root / "artifacts/cohort/cohort.json").unlink()
    elif harm == "another cohort":
        write_json(bench.root / "artifacts/cohort/cohort.json", {"films": []})
    else:
        manifest.write_text(manifest.read_text().replace('"quick"', '"release"'))
    with refused("LCK-MODEL"):
        bench.open()
    assert bench.events() == [Event.FROZEN]


def test_who_may_not_enter_freezes_nothing(bench):
    for name, found in (("DEMO-nobody", "people.toml holds no DEMO-nobody"), ("DEMO-quality", "the statement 'short'")):
        with pytest.raises(audit_log.AuditRefused, match=rf"LOG-REFUSED .*{found}"):
            locked_opening.freeze(bench.root, audit_log.Signer(name, "", "short", Keyring(bench.keys)))
    assert not (bench.root / AUDIT).exists()


def test_a_log_that_does_not_hold_is_not_written_on(bench):
    bench.freeze()
    text = bench.project.read(AUDIT)
    bench.project.write(AUDIT, "")
    with pytest.raises(audit_log.AuditRefused, match=r"LOG-BROKEN at AUDIT\.jsonl: found .*the end was cut off"):
        bench.open()
    with pytest.raises(audit_log.AuditRefused, match="LOG-BROKEN"):
        audit_log.enter(bench.root, Event.FROZEN, {}, bench.signer())
    bench.project.write(AUDIT, text)
    bench.open()


def test_the_commands_say_what_they_did_and_end_with_their_codes(bench):
    assert "not frozen: ./qms protocol freeze" in bench.run("show")
    assert "LCK-UNFROZEN" in bench.run("open", code=1)
    assert f"frozen: protocol {VERSION}" in bench.run("freeze")
    assert "protocol-frozen" in bench.run("show")
    assert "phantom results" in bench.run("open")
    shown = bench.run("show")
    assert "locked-cohort-judged" in shown
    assert "demonstration identity, no natural person" in shown
    assert "LCK-DONE" in bench.run("open", code=1)
    (bench.root / "artifacts/bundle/manifest.json").unlink()
    assert "LCK-MODEL" in bench.run("open", code=3)


def test_the_protocol_as_json_holds_goals_number_and_log(bench):
    bench.freeze()
    done = runner.invoke(app, ["protocol", "show", "--json"])
    shown = json.loads(done.output)
    assert shown["sample_size"] == {**shown["sample_size"], "planned": STUDIES, "required": 36}
    assert len(shown["log"]) == 1
    assert shown["sets"][0]["endpoints"][0]["bound"] == "lower"
