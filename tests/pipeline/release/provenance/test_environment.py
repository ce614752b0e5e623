"""The environment of a release holds what another machine needs to be made like this one, and nothing of this one's owner."""

import json
import platform

import pytest

from pipeline.release.provenance import environment as module
from pipeline.release.provenance.environment import Environment, environment, processor
from pipeline.release.provenance.installed import Installed
from pipeline.release.provenance.numeric_class import NumericClass

NUMERIC = NumericClass({"a probe": "1" * 64}, {"torch": "2.15.0", "cpu_capability": "AVX2"})
LIBRARIES = {"torch": Installed("2.15.0", "a" * 64), "numpy": Installed("2.4.6", "b" * 64)}


@pytest.fixture
def here():
    return Environment(NUMERIC, LIBRARIES, {"requirements.lock": "c" * 64})


def test_the_summary_names_class_interpreter_and_libraries(here):
    summary = here.summary()
    assert summary["numeric_class"] == NUMERIC.sha256
    assert summary["python"] == platform.python_version()
    assert all(isinstance(value, str) for value in summary.values())
    other = Environment(NUMERIC, {**LIBRARIES, "numpy": Installed("2.4.6", "d" * 64)}, here.locks)
    assert other.summary()["libraries_sha256"] != summary["libraries_sha256"]


def test_nothing_of_the_machine_s_owner_enters(here):
    text = json.dumps(here.to_json())
    assert platform.node() not in text
    assert "/" not in json.dumps(here.summary())


def test_it_is_read_from_probes_locks_and_files(tmp_path, monkeypatch):
    (tmp_path / "requirements.lock").write_text("a", encoding="utf-8")
    (tmp_path / "device.lock").write_text("b", encoding="utf-8")
    monkeypatch.setattr(module, "measured", lambda root: NUMERIC)
    monkeypatch.setattr(module, "installed", lambda lock: LIBRARIES if lock == "a" else {})
    found = environment(tmp_path).to_json()
    assert found["libraries"]["torch"] == {"version": "2.15.0", "sha256": "a" * 64}
    assert set(found["locks"]) == {"device.lock", "requirements.lock"}
    assert found["variables"]["OMP_NUM_THREADS"] == "1"


def test_the_first_processor_is_described(tmp_path):
    text = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\nmodel\t\t: 1\nflags\t: avx2\n\nprocessor\t: 1\nmodel\t: 9\n"
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    assert processor(tmp_path / "cpuinfo") == {"vendor": "AuthenticAMD", "name": "AMD EPYC", "model": "1"}
    assert processor(tmp_path / "nothing") == {}
