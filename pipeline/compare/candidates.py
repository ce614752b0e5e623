"""The families to compare: what each changes in the train section of params.yaml, read from candidates.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.compare.errors import ComparisonError
from pipeline.dvc_runs import merge
from pipeline.training.configuration import TrainingConfiguration

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = Path(__file__).with_name("candidates.toml")
BUNDLE_LIMIT_MB = 1000
"""A trial's bundle may be larger than one that is shipped: how large it is, is one of the results."""


def all_families() -> dict[str, dict[str, Any]]:
    """Return family -> what it changes in the train section."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def params_of(family: str, base: dict[str, Any], epochs: int | None) -> dict[str, Any]:
    """Return the parameters of a family's trial: those of the run, the family's changes, and the budget.

    Raises:
        ComparisonError: CMP-FAMILY, there is no such family, or its parameters do not fit its network.
    """
    changes = dict(known((family,))[family])
    network = (
        {"family": family, **changes.pop("network", {})}
        if family != base["train"]["network"]["family"]
        else base["train"]["network"]
    )
    params = merge(base, {"train": changes, "package": {"limit_mb": BUNDLE_LIMIT_MB}})
    if epochs is not None:
        params = merge(params, {"train": {"epochs": epochs}})
    params["train"] = {**params["train"], "network": network}
    try:
        TrainingConfiguration.from_params(params["train"])
    except ValueError as err:
        raise _unknown(family, str(err), "parameters that fit the family") from err
    return params


def known(families: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the changes of the named families, in their order.

    Raises:
        ComparisonError: CMP-FAMILY, there is no such family.
    """
    table = all_families()
    if missing := [name for name in families if name not in table]:
        raise _unknown(missing[0], "no such family", f"one of {', '.join(table)}")
    return {name: table[name] for name in families}


def _unknown(family: str, found: str, expected: str) -> ComparisonError:
    return ComparisonError(
        "CMP-FAMILY",
        where=f"family {family}",
        found=found,
        expected=expected,
        repair=f"name another, or enter it in {TABLE.name}",
    )
