"""A difference is named where a person can look: pointer, tensor, line or byte, and the earliest part of the pipeline first."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from pipeline.release.parts.order import rank, step_of
from pipeline.release.reproduction.divergence import first_difference, json_differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("name", "recorded", "reproduced", "found"),
    [
        ("a.json", b'{"a": {"b/c": 1}}', b'{"a": {"b/c": 2}}', ("/a/b~1c", "1", "2")),
        ("a.json", b"[1, 2]", b"[1]", ("/1", "2", "nothing")),
        ("a.json", b'{"a": 1}', b'{"a": 1, "b": 2}', ("/b", "nothing", "2")),
        ("a.json", b'{"a": 1}', b'{"a": true}', ("/a", "1", "true")),
        ("a.json", b'{"a":1}', b'{"a": 1}', ("byte 5 of 7", "0x31", "0x20")),
        ("a.json", b"{", b"[", ("byte 0 of 1", "0x7b", "0x5b")),
        ("dvc.lock", b"a\nb\n", b"a\nc\n", ("line 2", "b", "c")),
        ("a.png", b"\x89PNG\x00", b"\x89PNG", ("byte 4 of 5", "0x00", "nothing")),
    ],
)
def test_the_first_difference(name, recorded, reproduced, found):
    assert first_difference(name, recorded, reproduced) == found


def test_weights_are_named_by_tensor_and_element():
    one = {"first": np.zeros(3, np.float32), "second": np.zeros((2, 2), np.float32)}
    other = {**one, "second": np.array([[0, 0], [0.5, 0]], np.float32)}
    found = first_difference("weights.safetensors", save(one), save(other))
    assert found == ("tensor second", "F32 [2, 2], element 2 is 0.0", "F32 [2, 2], element 2 is 0.5")


def test_a_tensor_of_another_shape_or_gone_is_named():
    one = save({"a": np.zeros(3, np.float32)})
    assert first_difference("w.safetensors", one, save({"a": np.zeros(4, np.float32)}))[:2] == (
        "tensor a",
        "F32 [3], element 0 is 0.0",
    )
    assert first_difference("w.safetensors", one, save({"b": np.zeros(3, np.float32)}))[2] == "nothing"


@given(JSON, JSON)
def test_two_values_differ_exactly_where_one_is_not_the_other(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (next(json_differences(one, other), None) is None) == same


@pytest.mark.parametrize("name", ["files/matrix.json", "archive/trace/matrix.json"])
def test_the_trace_matrix_follows_the_gate_where_0_1_0_has_it_and_where_later_releases_do(name):
    parts = ["archive/technical_file/html/index.html", "files/device.cdx.json", name, "files/gate.json"]
    assert [step_of(each) for each in sorted(parts, key=rank)] == [
        "trace gate",
        "trace gate",
        "bills of materials",
        "technical file",
    ]
    assert sorted(parts, key=rank)[1] == name


def test_parts_come_in_the_order_in_which_they_are_made():
    names = [
        "archive/technical_file/html/index.html",
        "files/validation.json",
        "bundle/model.json",
        "bundle/weights.safetensors",
        "x/y",
    ]
    assert [step_of(name) for name in sorted(names, key=rank)] == [
        "package",
        "package",
        "validate",
        "technical file",
        "other parts",
    ]
    assert min(names, key=rank) == "bundle/weights.safetensors"
