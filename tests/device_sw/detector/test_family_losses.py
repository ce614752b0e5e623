"""Where our families differ from torchvision's, and that they differ in nothing else."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.detection.ssd import SSD

from .small_architectures import SMALL_ARCHITECTURES, undecided

NORMAL = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
ABNORMAL = {
    "boxes": torch.tensor([[10.0, 10.0, 40.0, 50.0], [5.0, 60.0, 20.0, 90.0], [50.0, 50.0, 60.0, 70.0]]),
    "labels": torch.tensor([1, 2, 1]),
}
"""Three findings ask for nine background boxes, more than the least number."""


def film():
    return torch.rand(1, 96, 96, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("family", ["ssd", "ssdlite"])
def test_ssd_loses_as_torchvisions_does_on_a_film_with_findings(family):
    network = undecided(SMALL_ARCHITECTURES[family]).train()
    ours = network([film()], [ABNORMAL])
    network.compute_loss = SSD.compute_loss.__get__(network)
    theirs = network([film()], [ABNORMAL])
    assert {name: value.item() for name, value in ours.items()} == pytest.approx(
        {name: value.item() for name, value in theirs.items()}, rel=1e-5
    )


@pytest.mark.parametrize("family", ["ssd", "ssdlite"])
def test_ssd_learns_from_a_film_without_a_finding_where_torchvisions_does_not(family):
    network = undecided(SMALL_ARCHITECTURES[family]).train()
    assert network([film()], [NORMAL])["classification"].item() > 0.1
    network.compute_loss = SSD.compute_loss.__get__(network)
    assert network([film()], [NORMAL])["classification"].item() == 0.0


@pytest.mark.parametrize("family", ["retinanet", "fcos", "yolo"])
def test_column_0_of_a_sigmoid_head_never_answers_and_learns_nothing(family):
    network = undecided(SMALL_ARCHITECTURES[family])
    images, _ = network.transform([film()])
    logits = network.head(list(network.backbone(images.tensors).values()))["cls_logits"]
    assert logits.shape[-1] == 3
    assert bool((logits[..., 0] == -100.0).all())
    network.score_thresh = 1e-30
    assert 0 not in network.eval()([film()])[0]["labels"].tolist()


@pytest.mark.parametrize("family", sorted(SMALL_ARCHITECTURES))
def test_a_neighbour_in_the_batch_changes_no_answer(family):
    network = undecided(SMALL_ARCHITECTURES[family]).eval()
    with torch.no_grad():
        alone = network([film()])[0]
        beside = network([film(), 1 - film()])[0]
    assert alone["labels"].tolist() == beside["labels"].tolist()
    assert torch.allclose(alone["scores"], beside["scores"], atol=1e-6)
    assert torch.allclose(alone["boxes"], beside["boxes"], atol=1e-3)
