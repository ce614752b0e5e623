"""The Merkle tree over records: one hash that says whether two runs, however they were divided or interrupted, found the same.

A leaf is SHA-256(0x00 || canonical JSON of a record without its number), a node SHA-256(0x01 || left || right). The leaves are sorted, so the root depends
on the set of records and not on their order. Times stand in no record, so they do not enter.

Source: RFC 6962 (Certificate Transparency), section 2.1, for the hashes and the shape of the tree.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def leaf(record: Mapping[str, Any]) -> str:
    """Return the leaf hash of a result or refusal record, in hex.

    The number of the input says where it stood in a folder, not what was found, so it is left out.

    >>> leaf({"input": {"index": 1}, "status": "analysed"}) == leaf({"status": "analysed", "input": {"index": 7}})
    True
    """
    numberless = {name: value for name, value in record["input"].items() if name != "index"}
    content = json.dumps({**record, "input": numberless}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(b"\x00" + content.encode()).hexdigest()


def root(leaves: Iterable[str]) -> str:
    """Return the root of the tree over sorted leaf hashes, in hex; of no leaf, the SHA-256 of nothing.

    The tree over n > 1 leaves joins the trees over the first k and the last n - k, with k the largest power of two below n. Computed bottom-up:
    pairing neighbours and carrying an odd last one up gives the same tree.

    >>> root([])[:8], root(["00" * 32])[:8]
    ('e3b0c442', '00000000')
    >>> root(["aa" * 32, "bb" * 32]) == root(["bb" * 32, "aa" * 32])
    True
    """
    level = [bytes.fromhex(value) for value in sorted(leaves)]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()
