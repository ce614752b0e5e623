"""A watched run: what its stages are made from is read around each of them, and a refusal is an exit code with its reason."""

from __future__ import annotations

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance import watched_run
from pipeline.release.provenance.installed import Installed
from pipeline.run import Run


def test_a_run_that_holds_ends_with_0(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(watched_run, "run_honestly", lambda run, read: seen.append((run.root, read)))
    assert watched_run.reproduce_watched(Run(tmp_path)) == 0
    assert seen == [(tmp_path, watched_run.read_deciding)]


def test_a_refusal_ends_with_1_and_says_why(tmp_path, monkeypatch, capsys):
    def refuses(run, read):
        raise ReleaseRefused("REL-STAGE-CHANGED", where="stage train", found="x", expected="y", repair="run it again")

    monkeypatch.setattr(watched_run, "run_honestly", refuses)
    assert watched_run.reproduce_watched(Run(tmp_path)) == 1
    assert "REL-STAGE-CHANGED at stage train" in capsys.readouterr().err


def test_lock_variables_and_each_library_decide():
    found = watched_run.decides({"torch": Installed("2.15.0", "a" * 64)}, "b" * 64)
    assert (found["library torch"], found["requirements.lock"]) == ("a" * 64, "b" * 64)
    assert "variable OMP_NUM_THREADS" in found


def test_another_library_is_another_environment():
    one, two = (watched_run.decides({"torch": Installed("2.15.0", digit * 64)}, "b" * 64) for digit in "cd")
    assert one != two
