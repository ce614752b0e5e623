"""The table of slices: which part of the source tree a kind of evidence depends on. One table, read by everything that identifies evidence.

A slice that is too small lets old evidence pass for new; one that is too large asks for work to be repeated. What judges the evidence
(verification/trace) is in no slice of evidence it judges: a mended check must not make the run it reads look different. The slice ``tool`` is the
exception that is none: it identifies the tool where the tool itself is what is judged.

Source: IEC 62304 5.7.5 and 8.1.2 (evidence names the configuration it was obtained with).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slice:
    """One kind of evidence: the paths and the pipeline stages that can change it.

    Attributes:
        name: ``training``, ``verification``, ``file`` or ``tool``.
        paths: files and folders, relative to the root, POSIX.
        stages: pipeline stages whose entries of dvc.lock are its lineage; none for what no model can change.
    """

    name: str
    paths: tuple[str, ...]
    stages: tuple[str, ...]


_TRAINING = ("device_sw", "phantom", "pipeline/training", "params.yaml", "requirements.lock")
_INSTRUCTIONS = (
    "docs/conf.py",
    "docs/labelling.md",
    "evidence/orientation/rates.json",
    "pipeline/dossier/evidence.py",
    "pipeline/dossier/metric_text.py",
    "pipeline/dossier/orientation_pages.py",
    "pipeline/dossier/risk_pages.py",
    "pipeline/dossier/tables.py",
    "pipeline/dossier/validation_pages.py",
    "pipeline/file_error.py",
    "pipeline/findings_table.py",
    "pipeline/instructions_for_use.py",
)
"""What the instructions for use are built from, which scenarios read: information for safety is verified as built (ISO 14971 7.1 c, 7.2)."""

_INTERFACES = (
    "docs/dicom-conformance.md",
    "docs/ihe-integration.md",
    "docs/schemas",
    "pipeline/conformance_statements.py",
    "pipeline/dossier/conformance_pages.py",
)
"""What is published of the interfaces, which scenarios hold the device to; beside what the instructions are built from, too."""

_VERIFICATION = (
    *_TRAINING,
    *_INSTRUCTIONS,
    *_INTERFACES,
    "requirements_spec",
    "risk",
    "validation/protocol.toml",
    "verification/conftest.py",
    "verification/faults",
    "verification/features",
    "verification/steps",
    "verification/test_features.py",
)
_TOOL = (
    "requirements_spec",
    "risk",
    "verification/trace",
    "verification/tool_validation.toml",
    "tests/requirements_spec",
    "tests/risk",
    "tests/verification",
    "pyproject.toml",
    "requirements.lock",
)
_TO_WEIGHTS = ("cohort", "prepare", "train")
_TO_VALIDATION = (*_TO_WEIGHTS, "package", "predict", "validate")

SLICES: dict[str, Slice] = {
    "training": Slice("training", _TRAINING, _TO_WEIGHTS),
    "verification": Slice("verification", _VERIFICATION, _TO_VALIDATION),
    "file": Slice("file", (*_VERIFICATION, "docs"), _TO_VALIDATION),
    "tool": Slice("tool", _TOOL, ()),
}
"""Every slice by its name."""
