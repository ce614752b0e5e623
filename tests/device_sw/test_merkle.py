"""The Merkle root: the tree of RFC 6962 over sorted leaves, the same in whatever order they come."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from device_sw import merkle

leaves = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=40)


def by_definition(values):
    """RFC 6962, 2.1, word for word: MTH(D[n]) = H(0x01 || MTH(D[0:k]) || MTH(D[k:n])), k the largest power of two below n."""
    if len(values) == 1:
        return values[0]
    k = 1
    while k * 2 < len(values):
        k *= 2
    return hashlib.sha256(b"\x01" + by_definition(values[:k]) + by_definition(values[k:])).digest()


@given(leaves.filter(bool))
def test_the_root_is_the_one_of_the_standard(values):
    assert merkle.root(values) == by_definition([bytes.fromhex(value) for value in sorted(values)]).hex()


@given(leaves, st.randoms())
def test_the_order_does_not_matter(values, chance):
    shuffled = list(values)
    chance.shuffle(shuffled)
    assert merkle.root(shuffled) == merkle.root(values)


@given(leaves.filter(bool))
def test_every_leaf_matters(values):
    assert merkle.root(values[1:]) != merkle.root(values)


def test_a_leaf_is_the_record_without_its_number():
    record = {"status": "analysed", "input": {"index": 3, "content_sha256": "a"}}
    content = b'\x00{"input":{"content_sha256":"a"},"status":"analysed"}'
    assert merkle.leaf(record) == hashlib.sha256(content).hexdigest()
    assert merkle.leaf(record | {"status": "refused"}) != merkle.leaf(record)
    assert record["input"]["index"] == 3
