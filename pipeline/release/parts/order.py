"""In which order the parts of a release are made: the first part that differs is where a reproduction went another way; what follows, follows from it.

One table, from the source to the last page, with the names of every release so far: what was once recorded stays in its step. Within a row the earlier
prefix comes first, then the name.
"""

from __future__ import annotations

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "source",
        (
            "files/params.yaml",
            "files/requirements.lock",
            "files/device.lock",
            "files/people.toml",
            "files/approvals",
            "files/audit",
        ),
    ),
    ("environment", ("files/environment.json",)),
    ("cohort", ("archive/cohort/", "files/data_root.json")),
    ("train", ("files/training/",)),
    ("package", ("bundle/weights.safetensors", "bundle/calibration.json", "bundle/thresholds.json", "bundle/")),
    ("predict", ("archive/predictions/", "files/predictions.json")),
    ("validate", ("files/validation.json", "archive/validation/")),
    ("pipeline", ("files/dvc.lock", "files/lineage.json")),
    ("registry", ("files/registry.json",)),
    ("verification", ("archive/verification/records.json", "files/verification.json", "archive/verification/")),
    ("trace gate", ("files/gate.json", "files/matrix.json", "archive/trace/")),
    ("bills of materials", ("files/device.cdx.json", "files/model.cdx.json")),
    ("wheel", ("archive/wheel/",)),
    ("technical file", ("archive/technical_file/",)),
)
"""Step of the pipeline -> prefixes of the names of its parts."""

LAST = "other parts"
"""Step of a part that no row names."""


def step_of(name: str) -> str:
    """Return the step that makes a part.

    >>> step_of("bundle/weights.safetensors"), step_of("files/new.json")
    ('package', 'other parts')
    """
    return next((step for step, prefixes in STEPS if name.startswith(prefixes)), LAST)


def rank(name: str) -> tuple[int, int, str]:
    """Return what parts are sorted by.

    >>> sorted(["bundle/a.json", "files/validation.json", "bundle/weights.safetensors"], key=rank)
    ['bundle/weights.safetensors', 'bundle/a.json', 'files/validation.json']
    """
    for position, (_, prefixes) in enumerate(STEPS):
        for place, prefix in enumerate(prefixes):
            if name.startswith(prefix):
                return position, place, name
    return len(STEPS), 0, name
