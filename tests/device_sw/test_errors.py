"""An error says the same in the process that it is sent to."""

import pickle

import pytest

from device_sw.errors import BundleError, CodedError, DeviceError, InputRefused

PARTS = {"where": "weights.safetensors", "found": "a", "expected": "b", "repair": "c"}


@pytest.mark.parametrize("kind", [CodedError, DeviceError, BundleError])
def test_an_error_crosses_into_another_process_whole(kind):
    error = kind("BND-HASH", **PARTS)
    received = pickle.loads(pickle.dumps(error))
    assert type(received) is kind
    assert str(received) == str(error)
    assert (received.code, received.where, received.found, received.expected, received.repair) == ("BND-HASH", *PARTS.values())


def test_what_was_attached_to_a_refusal_crosses_with_it():
    refused = InputRefused("ADM-VIEW", **PARTS, also=(InputRefused("ADM-AGE", **PARTS),))
    refused.content_sha256 = "ab" * 32
    received = pickle.loads(pickle.dumps(refused))
    assert [str(reason) for reason in received.also] == [str(reason) for reason in refused.also]
    assert received.content_sha256 == "ab" * 32
