"""Making a release again, whole but for the work itself: a small repository whose commit brings its own rerun, a real checkout, a real cut network."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import release_cli
from pipeline.release import rerun
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.source import read_source
from pipeline.release.record.dsse import Envelope
from pipeline.release.record.folder import ReleaseFolder
from pipeline.release.record.record import Kind, Subject
from pipeline.release.reproduction import reproduce as reproduction
from pipeline.release.reproduction import sandbox
from pipeline.release.reproduction.reproduce import Order, reproduce
from pipeline.release.reproduction.verdict import Verdict
from pipeline.release.wheelhouse.wheelhouse import WheelhouseUnfit
from pipeline.run import REPOSITORY
from tests.pipeline.release.provenance.test_source import git
from tests.pipeline.release.records import record
from tests.pipeline.release.reproduction.test_sandbox import needs_namespaces
from tests.pipeline.release.wheels import lock, pin, quiet, sha256, wheel

CLASS = {"numeric_class": "a" * 64}

RERUN = '''
"""Stands for the work: writes what the files of its own commit say."""
import json, os, sys
from pathlib import Path
out, release = Path(sys.argv[sys.argv.index("--out") + 1]), Path(sys.argv[sys.argv.index("--release") + 1])
made = out / "release"
for name in ("files/requirements.lock", "files/validation.json"):
    (made / name).parent.mkdir(parents=True, exist_ok=True)
(made / "files/requirements.lock").write_bytes((release / "files/requirements.lock").read_bytes())
(made / "files/validation.json").write_bytes(Path("result.json").read_bytes())
report = {"schema": "thoratrace/rerun/1", "failed": "", "steps": [], "environment": json.loads(Path("class.json").read_text())}
(out / "rerun.json").write_text(json.dumps(report))
Path("left-behind").write_text(os.environ["TZ"])
'''


@pytest.fixture
def order(tmp_path, monkeypatch):
    """An order to make the release of a small repository again, with this interpreter in the place of the locked environment."""
    monkeypatch.setattr(reproduction, "prepared", lambda _order, _progress: Path(sys.executable))
    monkeypatch.setenv("TZ", "Asia/Taipei")
    root = tmp_path / "root"
    files = {
        "result.json": b'{"ap50": 0.7}',
        "class.json": json.dumps(CLASS).encode(),
        "pipeline/release/rerun.py": RERUN.encode(),
    }
    files |= {"pipeline/__init__.py": b"", "pipeline/release/__init__.py": b""}
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "the release")
    return Order(root, sealed(root, tmp_path / "release"), "train", place(tmp_path))


def place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def sealed(root, path, result=b'{"ap50": 0.7}', **changes):
    """Seal a release folder of a repository's last commit."""
    (path / "files").mkdir(parents=True)
    parts = {"files/requirements.lock": lock([pin(wheel(path.parent, "one"))]).encode(), "files/validation.json": result}
    for name, content in parts.items():
        (path / name).write_bytes(content)
    subjects = tuple(Subject(name, sha256(content), len(content)) for name, content in sorted(parts.items()))
    made = record(subjects=subjects, source=read_source(root)[0], environment=CLASS, kind=Kind.TRIAL, **changes)
    (path / "record.dsse.json").write_bytes(Envelope(made.payload).to_bytes())
    return ReleaseFolder(path, path)


RELEASES = sorted((REPOSITORY / "releases").glob("*/record.dsse.json"))


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.parent.name)
def test_the_commit_of_every_release_has_the_module_that_is_run_in_it(path):
    commit = ReleaseFolder(path.parent, path.parent).record().source.commit
    source = git(REPOSITORY, "show", f"{commit}:{reproduction.WORK.replace('.', '/')}.py")
    assert set(re.findall(r"for name in \((.*)\):", source)) >= {'"release", "archive", "out"'}
    assert f'SCHEMA = "{rerun.SCHEMA}"' in source


def test_the_next_release_will_have_it_too():
    assert rerun.__name__ == reproduction.WORK


@needs_namespaces
def test_equal_results_pass_and_nothing_is_left(order):
    found = reproduce(order, quiet)
    assert (found.verdict, found.reasons) == (Verdict.PASS, ())
    assert list(order.place.iterdir()) == []
    assert git(order.repository, "status", "--porcelain") == ""


@needs_namespaces
def test_another_result_fails_with_its_place(order, tmp_path):
    other = Order(order.repository, sealed(order.repository, tmp_path / "other", b'{"ap50": 0.8}'), "train", order.place)
    found = reproduce(other, quiet)
    assert found.verdict is Verdict.FAIL
    assert found.reasons == ("REP-DIVERGENCE: validate: files/validation.json at /ap50: recorded 0.8, reproduced 0.7",)


@needs_namespaces
def test_the_throw_away_folder_can_be_kept(order):
    found = reproduce(Order(order.repository, order.folder, "eval", order.place, keep=True), quiet)
    assert (found.kept / "checkout" / "left-behind").read_text(encoding="utf-8") == "Asia/Taipei"
    assert str(found.kept) in found.to_text()
    assert str(found.kept) not in json.dumps(found.to_json())


def test_an_altered_release_fails_before_anything_runs(order):
    (order.folder.path / "files" / "validation.json").write_bytes(b'{"ap50": 0.9}')
    found = reproduce(order, quiet)
    assert found.verdict is Verdict.FAIL
    assert found.reasons[0].startswith("REP-PART at files/validation.json: found other bytes")


def test_a_missing_part_fails_and_a_missing_archive_does_not(order):
    altered = reproduction.altered_parts
    (order.folder.path / "files" / "validation.json").unlink()
    assert altered(order.folder, order.folder.record())[0].startswith("REP-PART at files/validation.json: found nothing")
    subject = Subject("archive/a.txt", "0" * 64, 1)
    assert altered(order.folder, record(subjects=(subject,))) == []


def test_without_a_wheelhouse_nothing_is_proved(order, monkeypatch):
    monkeypatch.undo()
    found = reproduce(order, quiet)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "WHL-MISSING" in found.reasons[0]
    assert "./qms release fetch VERSION" in found.reasons[0]


def test_where_the_network_cannot_be_cut_nothing_is_proved(order, monkeypatch):
    monkeypatch.setattr(sandbox, "cut", lambda: ["false"])
    found = reproduce(order, quiet)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons[0].startswith("REP-NETWORK: the network cannot be cut here")


def test_a_repository_without_the_commit_is_inconclusive_and_one_with_another_content_fails(order, tmp_path):
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    found = reproduce(Order(tmp_path / "empty", order.folder, "train", order.place), quiet)
    assert (found.verdict, found.reasons[0][:10]) == (Verdict.INCONCLUSIVE, "REP-COMMIT")


@needs_namespaces
@pytest.mark.parametrize(("result", "said"), [(b'{"ap50": 0.7}', (0, "PASS")), (b'{"ap50": 0.8}', (1, "FAIL"))])
def test_the_command_says_the_verdict_by_its_exit_code(order, tmp_path, monkeypatch, result, said):
    folder = sealed(order.repository, tmp_path / "asked", result)
    monkeypatch.setattr(release_cli, "root", lambda: order.repository)
    monkeypatch.setattr("pipeline.release.record.folder.find", lambda _root, _version: folder)
    words = [
        "reproduce",
        "0.1.0",
        "--level",
        "train",
        "--place",
        str(order.place),
        "--out",
        str(tmp_path / "kept.json"),
        "--json",
    ]
    done = CliRunner().invoke(release_cli.release, words)
    assert (done.exit_code, json.loads(done.stdout)["verdict"]) == said
    kept = json.loads((tmp_path / "kept.json").read_text(encoding="utf-8"))
    assert (kept["verdict"], kept["record_sha256"]) == (said[1], folder.record().sha256)


def test_an_environment_that_is_not_that_of_the_wheels_is_inconclusive(order, monkeypatch):
    def refuse(_order, _progress):
        raise WheelhouseUnfit("ENV-ALTERED", where="environment x", found="a", expected="b", repair="c")

    monkeypatch.setattr(reproduction, "prepared", refuse)
    found = reproduce(order, quiet)
    assert (found.verdict, found.reasons) == (
        Verdict.INCONCLUSIVE,
        ("ENV-ALTERED at environment x: found a, expected b. Repair: c.",),
    )


def test_a_lock_that_is_not_the_recorded_one_fetches_nothing(order):
    assert [pin.name for pin in reproduction.pins_of(order.folder)] == ["one"]
    (order.folder.path / "files" / "requirements.lock").write_bytes(b"")
    with pytest.raises(
        ReleaseRefused,
        match=r"REL-ALTERED at files/requirements\.lock: found e3b0c44298fc1c14, expected [0-9a-f]{16}, as recorded",
    ):
        reproduction.pins_of(order.folder)


def test_what_cannot_be_judged_is_not_called_a_difference(tmp_path, monkeypatch):
    monkeypatch.setattr(release_cli, "root", lambda: tmp_path)
    done = CliRunner().invoke(release_cli.release, ["reproduce", "9.9.9"])
    assert (done.exit_code, done.stderr[:18]) == (3, "REL-RECORD at 9.9.")
    done = CliRunner().invoke(release_cli.release, ["reproduce", "9.9.9", "--place", str(tmp_path / "nowhere")])
    assert done.exit_code == 2


def test_an_unknown_level_is_a_wrong_use():
    done = CliRunner().invoke(release_cli.release, ["reproduce", "0.1.0", "--level", "all"])
    assert done.exit_code == 2
    assert "eval or train" in done.output
