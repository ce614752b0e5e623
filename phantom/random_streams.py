"""Random streams that depend on what they are for and on nothing else.

Every draw of the phantom comes from a Philox generator whose key is a hash of (seed, patient index, purpose). A patient therefore looks the
same whichever worker renders it, in whichever order, and whatever its severity: making one finding worse never re-draws the rest.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, index: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose for one patient.

    Rule: Philox key = first 16 bytes of SHA-256("thoratrace-phantom/seed/index/purpose").

    Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC11 (Philox4x64).

    >>> bool(stream(1, 2, "noise").random() == stream(1, 2, "noise").random())
    True
    """
    digest = hashlib.sha256(f"thoratrace-phantom/{seed}/{index}/{purpose}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))
