"""Registers the steps and turns each scenario's tags into evidence: properties of its JUnit case that the trace gate reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.utils import registry_get_safe

from verification.steps.admission import *
from verification.steps.audit_trail import *
from verification.steps.bundle import *
from verification.steps.command import *
from verification.steps.deidentification import *
from verification.steps.detection import *
from verification.steps.dicom_objects import *
from verification.steps.engine import *
from verification.steps.explanation import *
from verification.steps.instructions import *
from verification.steps.interrupted_run import *
from verification.steps.judgement import *
from verification.steps.material import *
from verification.steps.overlay import *
from verification.steps.page import *
from verification.steps.preprocessing import *
from verification.steps.privacy import *
from verification.steps.published_interfaces import *
from verification.steps.record import *
from verification.steps.replay import *
from verification.steps.second_opinions import *
from verification.steps.validation_record import *

if TYPE_CHECKING:
    from collections.abc import Callable

ITEM_PREFIXES = ("SRS-", "RC-")
"""Tags that name what a scenario verifies; any other tag is an ordinary pytest marker."""


def pytest_bdd_apply_tag(tag: str, function: Callable[..., Any]) -> bool | None:
    """Turn ``@SRS-001`` or ``@RC-003`` into ``pytest.mark.verifies``; leave other tags to pytest-bdd."""
    if not tag.startswith(ITEM_PREFIXES):
        return None
    pytest.mark.verifies(tag)(function)
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Append ids, feature, scenario and example row to the properties of every scenario, in one order whatever the hash seed."""
    folder = config.rootpath / config.getini("bdd_features_base_dir")
    for item in items:
        template = registry_get_safe(scenario_wrapper_template_registry, getattr(item, "obj", None))
        if template is not None:
            item.user_properties.extend(_evidence(item, template, folder))


def _evidence(item: Any, template: Any, folder: Path) -> list[tuple[str, str]]:
    ids = sorted({name for mark in item.iter_markers("verifies") for name in mark.args})
    example = item.callspec.params.get("_pytest_bdd_example", {}) if hasattr(item, "callspec") else {}
    row = ", ".join(f"{column}={value}" for column, value in example.items())
    feature = Path(template.feature.filename).resolve().relative_to(folder.resolve()).as_posix()
    return [*(("verifies", name) for name in ids), ("feature", feature), ("scenario", template.name), ("row", row)]
