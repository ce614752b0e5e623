"""Weights taken over from another training: exactly these, frozen where asked, and slower where asked."""

from __future__ import annotations

import dataclasses
import hashlib
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ResNet50_Weights, mobilenet_v3_large, resnet50

from device_sw.detector.families.registry import build, family_of
from pipeline.training.configuration import TransferConfiguration
from pipeline.training.dataset import read_split
from pipeline.training.evaluation import validation_figures
from pipeline.training.initialisation import initialise
from pipeline.training.loop import fit_architecture, train
from pipeline.training.transfer import TransferError, read_source, take_over
from tests.device_sw.detector.small_architectures import SMALL_ARCHITECTURES

STEM = "backbone.stem.conv.weight"


def network_of(prepared, configuration):
    """Return the network of the small data set, initialised, and its architecture."""
    architecture = fit_architecture(read_split(prepared, "train"), configuration, 0.02)
    network = build(architecture)
    initialise(network, family_of(architecture), configuration.seed)
    return network, architecture


@pytest.fixture
def network(prepared, configuration):
    return network_of(prepared, configuration)[0]


@pytest.fixture
def source(network, tmp_path):
    """Weights of another training, whose head knows another number of findings."""
    made = {name: torch.full_like(tensor, 0.01) for name, tensor in network.state_dict().items()}
    made["roi_heads.box_predictor.cls_score.bias"] = torch.zeros(99)
    path = tmp_path / "phantom.safetensors"
    save_file(made, path)
    return path


def wanted(source, take=("backbone",), frozen=(), rate=1.0):
    return TransferConfiguration(str(source), take, frozen, rate)


def test_the_backbone_is_taken_over_and_the_heads_stay_as_they_were(network, source):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    taken = take_over(network, wanted(source))
    for name, tensor in network.state_dict().items():
        if name.startswith("backbone."):
            assert torch.equal(tensor, torch.full_like(tensor, 0.01)), name
        else:
            assert torch.equal(tensor, before[name]), name
    assert taken.to_json() == {
        "source": "phantom.safetensors",
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "tensors": sum(name.startswith("backbone.") for name in before),
        "frozen": [],
    }


def test_each_weight_moves_at_the_rate_of_its_part(network, source):
    taken = take_over(network, wanted(source, frozen=("backbone.stem",), rate=0.1))
    sizes = {name: p.numel() for name, p in network.named_parameters()}
    rates = dict(zip(sizes, taken.rates.split(list(sizes.values())), strict=True))
    for name, rate in rates.items():
        expected = 0.0 if name.startswith("backbone.stem") else 0.1 if name.startswith("backbone.") else 1.0
        assert torch.all(rate == expected), name
    assert set(taken.frozen) == {name for name in sizes if name.startswith("backbone.stem.")}


def test_a_pytorch_state_dictionary_serves_as_well(network, source, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({name: torch.full_like(tensor, 0.02) for name, tensor in network.state_dict().items()}, path)
    take_over(network, wanted(path))
    assert torch.all(network.state_dict()[STEM] == 0.02)


def test_a_file_that_would_run_code_is_refused(network, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"weights": hashlib.sha256}, path)
    with pytest.raises(TransferError, match="TRN-SOURCE"):
        take_over(network, wanted(path))


def test_published_names_lack_the_wrapping_and_colours_are_merged(network, tmp_path):
    inner = {
        name.removeprefix("backbone."): tensor for name, tensor in network.state_dict().items() if name.startswith("backbone.")
    }
    own = inner["stem.conv.weight"]
    inner["stem.conv.weight"] = torch.ones(own.shape[0], 3, *own.shape[2:])
    path = tmp_path / "published.safetensors"
    save_file(inner, path)
    take_over(network, wanted(path))
    assert torch.allclose(network.state_dict()[STEM].sum(dim=1), torch.full((own.shape[0], *own.shape[2:]), 3.0))


@pytest.mark.parametrize("norm", ["group", "frozen"])
@pytest.mark.parametrize(
    ("family", "published", "first"),
    [("faster_rcnn_resnet50", resnet50, "conv1"), ("faster_rcnn_mobilenet", mobilenet_v3_large, "features.0.0")],
)
def test_published_backbones_find_their_places(norm, family, published, first, tmp_path):
    made = dataclasses.replace(SMALL_ARCHITECTURES[family], norm=norm)
    network = build(made)
    torch.manual_seed(1)
    theirs = published(weights=None).state_dict()
    path = tmp_path / "published.pth"
    torch.save(theirs, path)
    taken = take_over(network, wanted(path, take=("backbone.body",)))
    ours = network.state_dict()
    assert set(taken.tensors) == {name for name in ours if name.startswith("backbone.body.")}
    opening = next(name for name in ours if name.startswith("backbone.body."))
    assert torch.allclose(ours[opening].sum(dim=1), theirs[f"{first}.weight"].sum(dim=1), atol=1e-6)
    wrapping = first.removesuffix(first.removeprefix("features."))
    for name in taken.tensors[1:]:
        assert torch.equal(ours[name], theirs[wrapping + name.removeprefix("backbone.body.")]), name


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            lambda tensors: tensors.pop(STEM),
            "TRN-TENSOR at phantom.safetensors, backbone.stem.conv.weight: found nothing of that name",
        ),
        (lambda tensors: tensors.update({STEM: torch.zeros(1, 2, 3, 3)}), r"TRN-TENSOR .* found shape \(1, 2, 3, 3\)"),
    ],
)
def test_half_a_backbone_is_no_transfer(network, source, change, code):
    tensors = read_source(str(source))[2]
    change(tensors)
    save_file(tensors, source)
    with pytest.raises(TransferError, match=code):
        take_over(network, wanted(source))


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_an_unreadable_source_is_refused_without_its_folder(network, tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TransferError, match=f"TRN-SOURCE at {name}: found no readable weights"):
        take_over(network, wanted(tmp_path / name))


def test_published_weights_out_of_reach_say_what_to_do(network, monkeypatch):
    def unreachable(*_args, **_kwargs):
        raise URLError("no network")

    monkeypatch.setattr(ResNet50_Weights, "get_state_dict", unreachable)
    with pytest.raises(TransferError, match=r"TRN-SOURCE at ResNet50_Weights\.IMAGENET1K_V2: .* give a local file"):
        take_over(network, wanted("torchvision:ResNet50_Weights.IMAGENET1K_V2"))
    with pytest.raises(TransferError, match=r"TRN-SOURCE at NoSuch\.WEIGHTS"):
        take_over(network, wanted("torchvision:NoSuch.WEIGHTS"))


@pytest.mark.parametrize(("frozen", "found"), [("backbone.stm", "no parameter"), ("rpn", "parameters that were not taken over")])
def test_only_what_was_taken_over_is_frozen(network, source, frozen, found):
    with pytest.raises(TransferError, match=f"TRN-FROZEN .*{found}"):
        take_over(network, wanted(source, frozen=(frozen,)))


def test_a_training_leaves_frozen_weights_alone_and_moves_the_rest_by_their_rate(prepared, configuration, source):
    def trained(**options):
        once = dataclasses.replace(configuration, epochs=1, average_decay=0.0, transfer=wanted(source, **options))
        return train(
            prepared,
            once,
            score_floor=0.02,
            workers=1,
            evaluate=validation_figures(configuration.findings),
            progress=lambda done, total, text: None,
        ).state

    def moved(state, prefix):
        return max(float((tensor - 0.01).abs().max()) for name, tensor in state.items() if name.startswith(prefix))

    full, slow = trained(), trained(frozen=("backbone.stem",), rate=0.1)
    assert moved(full, "backbone.stem") > 0
    assert moved(slow, "backbone.stem") == 0
    assert 0 < moved(slow, "backbone.stages") < moved(full, "backbone.stages")
