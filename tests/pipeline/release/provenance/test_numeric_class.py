"""The numeric class is what a machine computes, in an environment that nothing else reaches."""

import sys

import pytest

from device_sw.launcher import NUMERIC_ENVIRONMENT
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.closed_environment import closed_environment
from pipeline.release.provenance.numeric_class import NumericClass, measured
from pipeline.run import REPOSITORY


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(scope="module")
def here(caches):
    return measured(caches=caches)


def test_every_probe_has_a_result_of_its_own(here):
    assert len(here.probes) == len(set(here.probes.values())) >= 10
    assert "training step" in here.probes
    assert here.facts["cpu_capability"] == "AVX2"


def test_other_instructions_are_another_class(here, caches):
    fewer = {"ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 X86_V3 X86_V4"}
    other = measured(caches=caches, changes=fewer)
    assert other.sha256 != here.sha256
    changed = here.difference(other.probes)
    assert "torch: functions and sums" in changed
    assert "numpy: random streams" not in changed


def test_the_class_is_that_of_the_probes_alone(here):
    assert NumericClass(here.probes, {}).sha256 == here.sha256
    assert here.difference(here.probes) == ()


def test_probes_that_do_not_run_are_refused(tmp_path):
    with pytest.raises(
        ReleaseRefused, match=r"REL-NUMERIC-PROBE at pipeline\.release\.provenance\.numeric_probe: found exit code 1"
    ):
        measured(tmp_path)


def test_no_other_variable_reaches_a_process_whose_numbers_count(monkeypatch, tmp_path):
    for name in ("LD_PRELOAD", "SEED", "OMP_SCHEDULE", "PYTHONSTARTUP", "THORATRACE_X"):
        monkeypatch.setenv(name, "2")
    given = closed_environment(REPOSITORY, tmp_path)
    assert set(given) - set(NUMERIC_ENVIRONMENT) <= {
        "HOME",
        "PATH",
        "PYTHONPATH",
        "PYTHONPYCACHEPREFIX",
        "THORATRACE_LAUNCHED",
        "THORATRACE_WORKERS",
        "TMPDIR",
    }
    assert given["PATH"].startswith(sys.executable.rpartition("/")[0])
    assert closed_environment(REPOSITORY)["PYTHONDONTWRITEBYTECODE"] == "1"
