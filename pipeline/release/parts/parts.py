"""Gathers the parts of a release: those that a run left, and those that are made here from what lies there.

Made here: lineage and data root by SHA-256, the environment with its numeric class, the wheel of the device, the bills of what
device and model consist of, and what the registry says of the model.

Source: IEC 62304 5.8.4, 5.8.5, 8.1.2, 8.1.3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.release.parts.collection import collect
from pipeline.release.parts.model_bill import model_bill
from pipeline.release.parts.software_bill import software_bill
from pipeline.release.parts.wheel import build_wheel
from pipeline.release.provenance.data_root import data_root
from pipeline.release.provenance.lineage import lineage
from pipeline.release.registry.export import registered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.release.provenance.environment import Environment


@dataclass(frozen=True)
class Parts:
    """The bytes of every part by its name, and the hashes that stand in the record itself: of the model and of the data."""

    contents: Mapping[str, bytes]
    model: Mapping[str, str]
    data_root: str


def gather(root: Path, environment: Environment, time: str, *, registry_owed: bool) -> Parts:
    """Return everything that goes into a release.

    Args:
        root: of the run.
        environment: in which it was made.
        time: of the source commit.
        registry_owed: whether the model has to be registered.

    Raises:
        ReleaseRefused: a part is missing, or what it is made from does not hold.
        RegistrationRefused: the registry does not answer, or somebody moved its aliases by another way.
    """
    contents = {name: path.read_bytes() for name, path in collect(root).items()}
    data, made_from, wheel = data_root(root / "artifacts" / "cohort"), lineage(root), build_wheel(root)
    contents |= {
        "archive/cohort/SHA256SUMS": data.listing().encode(),
        f"archive/wheel/{wheel.name}": wheel.content,
        "files/device.cdx.json": software_bill(root, wheel, time),
        "files/model.cdx.json": model_bill(root, data.root, time),
        "files/data_root.json": json_bytes(data.to_json()),
        "files/environment.json": json_bytes(environment.to_json()),
        "files/lineage.json": json_bytes(made_from),
    }
    registry = registered(root, made_from["model"]["weights_sha256"], owed=registry_owed)
    if registry is not None:
        contents["files/registry.json"] = json_bytes(registry)
    return Parts(contents, made_from["model"], data.root)


def json_bytes(value: object) -> bytes:
    r"""Return sorted, indented JSON, as every committed JSON file of ours is written.

    >>> json_bytes({"b": 1, "a": 0.5})
    b'{\n "a": 0.5,\n "b": 1\n}\n'
    """
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
