"""What a rank looks at before it believes the others, and how it deals out the work; the other ranks are scripted."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from device_sw.detector.families.registry import build, family_of
from pipeline.ranks.errors import RankError
from pipeline.ranks.group import RankGroup, joined
from pipeline.ranks.pool import RankPool
from pipeline.training.augmentation import Augmentation
from pipeline.training.dataset import read_split
from pipeline.training.initialisation import initialise
from pipeline.training.loop import fit_architecture
from pipeline.training.pool import TrainingPool
from pipeline.training.worker import WorkerPlan, flat_weights


@dataclasses.dataclass(frozen=True)
class Alone(RankGroup):
    """A group of one that needs no other process."""

    def total(self, tensor):
        return tensor

    def gathered(self, value):
        return [value]


@dataclasses.dataclass(frozen=True)
class Liar(Alone):
    """A group whose second rank has other digests from the n-th question on."""

    honest: int = 0

    def gathered(self, value):
        if self.honest > 0:
            object.__setattr__(self, "honest", self.honest - 1)
            return [value, value]
        return [value, "0" * 64]


@pytest.fixture(scope="module")
def plan(prepared, configuration):
    architecture = fit_architecture(read_split(prepared, "train"), configuration, 0.02)
    return WorkerPlan(prepared, architecture, Augmentation(5.0, 0.1), 5, 4)


@pytest.fixture(scope="module")
def weights(plan):
    network = build(plan.architecture)
    initialise(network, family_of(plan.architecture), 5)
    return flat_weights(network)


def of(kind, plan, weights, **options):
    pool = kind(plan, len(weights), 1, **options)
    pool.weights.copy_(weights)
    return pool


def test_shares_of_all_ranks_add_up_to_what_one_pool_computes(plan, weights):
    films = [3, 1, 0, 2]
    total, losses = of(TrainingPool, plan, weights).gradient(0, films)
    shares = [of(TrainingPool, plan, weights).gradient(0, films[rank::3]) for rank in range(3)]
    assert torch.equal(sum(share for share, _ in shares), total)
    alone_total, alone_losses = of(RankPool, plan, weights, group=Alone(0, 1)).gradient(0, films)
    assert torch.equal(alone_total, total)
    assert alone_losses == losses


def test_detections_come_in_the_order_of_the_films(plan, weights):
    assert of(RankPool, plan, weights, group=Alone(0, 1)).detections(3) == of(TrainingPool, plan, weights).detections(3)


def test_ranks_with_other_weights_stop(plan, weights):
    with pytest.raises(RankError, match=r"RNK-WEIGHTS at weights at step 7: .*rank 1 against rank 0"):
        of(RankPool, plan, weights, group=Liar(0, 2)).gradient(7, [0, 1])


def test_a_rank_that_computes_other_numbers_stops_the_training(plan, weights):
    with pytest.raises(RankError, match=r"RNK-NUMBERS .*numeric class"):
        of(RankPool, plan, weights, group=Liar(0, 2, honest=1)).gradient(0, [0, 1])


def test_only_integers_are_summed_over_ranks():
    with pytest.raises(TypeError, match="only int64"):
        RankGroup(0, 1).total(torch.zeros(2))


def test_a_process_without_ranks_cannot_join(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RankError, match="RNK-LAUNCH"), joined():
        pass
