"""Attacks on a real bundle: each is refused where the model is loaded, and no planted pickle ever runs."""

import dataclasses
import pickle

import pytest
from sealed_release import VERSION, write_release

from pipeline.release.attacks import models, registries
from pipeline.release.attacks.attack import Outcome
from pipeline.release.attacks.bench import lay_out
from pipeline.release.attacks.checks import checks, in_this_process
from pipeline.release.attacks.judging import judge

CHECKS = checks(in_this_process)
TABLE = {each.id: each for each in models.ATTACKS}


@pytest.fixture
def modelled(bundle, tmp_path):
    return write_release(tmp_path / "modelled" / "releases" / VERSION, bundle=bundle)


def test_every_attack_on_the_loader_is_caught(modelled, tmp_path):
    trials = [judge(each, modelled, tmp_path / "bench", CHECKS) for each in TABLE.values()]
    assert [(each.attack, each.missing, each.said) for each in trials if not each.caught] == []
    assert dict(trials[0].others) == {"verify": True, "verify --pin": True}


def test_a_pickle_that_ran_is_no_catch(modelled, tmp_path):
    def harm(bench):
        signs = TABLE["loader-pickle-added"].harm(bench)
        pickle.loads((bench.release / "bundle" / "model.pt").read_bytes())
        return signs

    trial = judge(dataclasses.replace(TABLE["loader-pickle-added"], harm=harm), modelled, tmp_path / "bench", CHECKS)
    assert not trial.caught
    assert any("CANARY at bundle: a planted pickle ran" in line for line in trial.said)


def test_an_outcome_stays_as_it_is_while_no_pickle_ran(modelled, tmp_path):
    bench = lay_out(modelled, tmp_path / "bench")
    assert models.with_canary(bench, Outcome(1)) == Outcome(1)
    models.canary_of(bench).mkdir()
    assert models.with_canary(bench, Outcome(0)).code == 2


def test_every_attack_on_the_registry_is_caught(modelled, tmp_path):
    trials = [judge(each, modelled, tmp_path / "bench", CHECKS) for each in registries.ATTACKS]
    assert [(each.attack, each.missing, each.said) for each in trials if not each.caught] == []
    assert {code for each in trials for code in each.codes} >= {
        f"REL-REGISTRY-{kind}" for kind in ("ALIAS", "SOURCE", "TAG", "ROW", "ARTEFACT")
    }
