"""The recipe of the model: every setting of the stages that lead to it, as the pipeline's lock recorded it for the run that lies here.

dvc.lock and not params.yaml is read, because another profile or budget overrides settings; the build has held the lock against the outputs before
(``dossier.freshness``), so these are the settings that made this model.

Source: FDA AI-enabled draft IX (model description and development); AI Act Annex IV 2(a), (b).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from pipeline.dossier.tables import plain, table
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook

LOCK, PARAMETERS = "dvc.lock", "params.yaml"

MEANING: Mapping[str, str] = {
    "cohort.seed": "seed of the phantom's cohort",
    "cohort.patients.train": "simulated patients for training",
    "cohort.patients.val": "for choosing epoch, calibration and operating points",
    "cohort.patients.test": "for validation",
    "cohort.matrix": "rows and columns of a film",
    "prepare.preprocessing": "named recipe from stored values to [0, 1]",
    "prepare.input_size": "side of the network's input, pixels",
    "train.seed": "seed of weights, order and augmentation",
    "train.epochs": "passes over the training films, at most",
    "train.batch": "films a step",
    "train.learning_rate": "of stochastic gradient descent, after the warm-up",
    "train.momentum": "of stochastic gradient descent",
    "train.weight_decay": "pull of the weights towards 0",
    "train.warmup_steps": "steps in which the rate rises",
    "train.clip_norm": "largest norm of a gradient",
    "train.average_decay": "of the running mean of weights that is kept",
    "train.patience": "epochs without gain after which training ends",
    "train.rotation_deg": "largest random rotation, degrees",
    "train.exposure": "largest random change of exposure, share",
    "train.sampling": "how films are drawn",
    "train.scales": "sides of a showing, relative to the input's",
    "train.focal_gamma": "exponent of the focal loss; 0 is cross entropy",
    "train.transfer.source": "weights of another training",
    "package.false_positives_per_film": "allowed on the validation films; decides the operating points",
    "package.score_floor": "lowest score of a candidate that is kept",
}
"""What a setting decides, by its name; a setting without a row is shown by its name alone."""


def settings(lock: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield JSON pointer and value of every setting, in the order of the lock; each setting once.

    >>> list(settings({"stages": {"train": {"params": {"params.yaml": {"train": {"seed": 7, "network": {"blocks": 1}}}}}}}))
    [('/stages/train/params/params.yaml/train/seed', 7), ('/stages/train/params/params.yaml/train/network/blocks', 1)]
    """
    seen: set[str] = set()
    for stage, body in lock["stages"].items():
        for pointer, value in _flat(f"/stages/{stage}/params/{PARAMETERS}", body.get("params", {}).get(PARAMETERS, {})):
            if setting_name(pointer) not in seen:
                seen.add(setting_name(pointer))
                yield pointer, value


def setting_name(pointer: str) -> str:
    """Return the name of a setting as params.yaml nests it, with points.

    >>> setting_name("/stages/prepare/params/params.yaml/train.findings")
    'train.findings'
    """
    return pointer.partition(f"/{PARAMETERS}/")[2].replace("/", ".")


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}/{key}", value)
        else:
            yield f"{prefix}/{key}", value


class RecipePages:
    """The table of settings."""

    def __init__(self, root: Path, book: EvidenceBook) -> None:
        """Read the lock.

        Raises:
            FileError: FILE-EVIDENCE, there is no readable lock.
        """
        self._book = book
        try:
            self._settings = list(settings(yaml.safe_load((root / LOCK).read_text(encoding="utf-8"))))
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as err:
            found = f"no readable lock ({type(err).__name__})"
            raise FileError("FILE-EVIDENCE", LOCK, found, "the lock of the last run", "run ./qms demo") from err

    def table(self) -> str:
        """Return every setting with its value, the stage that first reads it, and what it decides."""
        rows = [
            [f"`{name}`", self._book.cited(_shown(value), LOCK, pointer), plain(MEANING.get(name, ""))]
            for pointer, value in self._settings
            if (name := setting_name(pointer)) not in {"profile", "budget"}
        ]
        return table(["Setting", "Value", "Decides"], rows, widths=[34, 26, 40])


def _shown(value: Any) -> str:
    """Return a value as a reader takes it.

    >>> _shown(None), _shown([1.0, 2]), _shown([])
    ('none', '1.0, 2', 'none')
    """
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else "none" if value is None else str(value)
