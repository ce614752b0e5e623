"""Makes a ThoraTrace project of any size: hand-written data, feature files, ledgers and a sealed run, the same bytes for the same size.

A size of N items is mixed as 10 requirements and 10 scenarios to 1 need, 1 hazard, 1 situation and 2 controls, which sums to 25: N/25 needs, N/25 hazards,
N/25 situations, 2N/25 controls, 10N/25 requirements, 10N/25 scenarios. Each control has a seeded defect, which counts as an item beyond N. Besides, there are 4 software items with a module each, one SOUP item, one
endpoint and the sections of the technical file, the same for each size. Links are those of the shipped project: each requirement has a need, a
software item and a section; every second one implements a control, so that a control has two or three; each situation has two controls; each
requirement has one scenario, every tenth of them an outline with three rows; each control has a scenario that shows its effect. Files hold 100
requirements or 100 scenarios each.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from requirements_spec import changes as specification_changes
from risk import changes as risk_changes
from verification.trace import features, renewal
from verification.trace.assembly import ITEM_PREFIXES, VALIDATION
from verification.trace.evidence import JUNIT, VERDICTS, Record, write_json
from verification.trace.identity import read_identity
from verification.trace.junit import read_junit
from verification.trace.lineage import md5_of
from verification.trace.outcomes import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PER_FILE = 100
PROTOCOL = """\
[[set]]
profile = "phantom"
budgets = ["quick"]
[[set.endpoint]]
id = "ap50-macro"
metric = "ap50.macro"
direction = "at-least"
threshold = 0.65
bound = "point"
requirement = "SRS-00001"
primary = true
"""
PARTS = ("ALPHA", "BETA", "GAMMA", "DELTA")
HEAD = 'author = "DEMO-author"\nstatus = "draft"\n'
STAGES = {
    "cohort": ["phantom"],
    "prepare": ["artifacts/cohort"],
    "train": ["artifacts/prepare", "pipeline/training"],
    "package": ["artifacts/train"],
    "predict": ["artifacts/bundle", "device_sw"],
    "validate": ["artifacts/predict"],
}
OUTPUTS = {"package": "artifacts/bundle", "validate": "artifacts/validation"}


@dataclass(frozen=True)
class Mix:
    """How many items of each kind make up a size."""

    size: int

    @property
    def unit(self) -> int:
        """The 25th part of the size: needs, hazards and situations."""
        return max(self.size // 25, 1)

    @property
    def controls(self) -> int:
        """Two for each situation."""
        return 2 * self.unit

    @property
    def requirements(self) -> int:
        """Ten for each need; as many scenarios."""
        return 10 * self.unit

    def control_of(self, requirement: int) -> int | None:
        """Return the control that a requirement implements, or None."""
        return (requirement // 2) % self.controls if requirement % 2 == 0 else None

    def requirements_of(self, control: int) -> Iterator[int]:
        """Yield the requirements that implement a control."""
        yield from range(2 * control, self.requirements, 2 * self.controls)

    def shows(self, requirement: int) -> bool:
        """Say whether the requirement's scenario also shows its control's effect: the first one of each control does."""
        return requirement % 2 == 0 and requirement // 2 < self.controls


def name(prefix: str, index: int) -> str:
    """Return an id.

    >>> name("SRS", 0)
    'SRS-00001'
    """
    return f"{prefix}-{index + 1:05d}"


def write_project(root: Path, size: int) -> None:
    """Write the whole project under ``root`` (which must not exist) and seal it with a run in which everything passed."""
    mix = Mix(size)
    for path, text in _files(mix):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "risk" / "data" / "policy.toml", root / "risk" / "data" / "policy.toml")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for book in (specification_changes.SPECIFICATION_BOOK, risk_changes.RISK_BOOK):
        _, problems = specification_changes.record(root, book, "DEMO-author", "generated for the measurement")
        if problems:
            raise ValueError(f"the generated project is not sound: {problems[0]}")
    _pipeline(root)
    _run(root)
    renewal.renew(root, "DEMO-author", "baseline of a generated project")


def _files(mix: Mix) -> Iterator[tuple[str, str]]:
    yield from _plain_files()
    yield "requirements_spec/data/user_needs.toml", _needs(mix)
    yield "requirements_spec/data/architecture.toml", _architecture()
    yield "risk/data/hazards.toml", _hazards(mix)
    yield "risk/data/controls.toml", _controls(mix)
    yield "verification/faults/faults.toml", _faults(mix)
    for number, first in enumerate(range(0, mix.requirements, PER_FILE)):
        indices = range(first, min(first + PER_FILE, mix.requirements))
        part = PARTS[number % len(PARTS)]
        yield f"requirements_spec/data/software_requirements/file_{number:04d}.toml", _requirements(mix, indices, part)
        yield f"verification/features/file_{number:04d}.feature", _feature(mix, number, indices)


def _plain_files() -> Iterator[tuple[str, str]]:
    for part in PARTS:
        yield f"device_sw/{part.lower()}.py", f'NAME = "{part.lower()}"\n'
    for section in ("user-needs", "software-requirements"):
        yield f"docs/{section}.md", f"# {section}\n"
    yield "docs/gaps.toml", 'schema = "thoratrace/gaps/1"\n[[gap]]\nid = "GAP-001"\nmissing = "x"\nowner_role = "y"\n'
    yield "verification/conftest.py", ""
    yield "verification/test_features.py", ""
    yield "verification/steps/film.py", "AGE = 17\n"
    yield "validation/protocol.toml", PROTOCOL
    yield "device_sw/_version.py", '__version__ = "0.1.0"\n'
    yield "phantom/thorax.py", "RIBS = 24\n"
    yield "pipeline/training/loop.py", "EPOCHS = 1\n"
    yield "params.yaml", "profile: phantom\nbudget: quick\nmodel_version: 0.1.0\ntrain: {seed: 7}\n"
    yield "requirements.lock", "numpy==2.4.0 \\\n    --hash=sha256:00\n"
    yield "pyproject.toml", '[project]\nname = "generated"\nrequires-python = ">=3.11"\ndependencies = [\n  "numpy>=2.4,<3",\n]\n'
    yield ".gitignore", "artifacts/\n__pycache__/\n"
    yield (
        "requirements_spec/data/soup.toml",
        _table(
            "thoratrace/soup/1",
            "soup",
            [
                {
                    "id": "SOUP-NUMPY",
                    "title": "NumPy",
                    "distribution": "numpy",
                    "manufacturer": "NumPy Developers",
                    "purpose": "Arrays.",
                    "used_by": ["SWI-ALPHA"],
                    "requirements": ["adds"],
                    "needs": "a processor",
                    "anomalies": "its issue list",
                    "licence": "BSD-3-Clause",
                    "safety": "Wrong sums.",
                }
            ],
        ),
    )


def _table(schema: str, key: str, rows: list[dict[str, object]], head: str = "") -> str:
    """Return a data file: a JSON value of the kinds used here is a TOML value."""
    return f'schema = "{schema}"\n{head}{HEAD}' + "".join(f"\n[[{key}]]\n{_pairs(row)}" for row in rows)


def _pairs(row: dict[str, object]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in row.items())


def _needs(mix: Mix) -> str:
    rows: list[dict[str, object]] = [
        {
            "id": name("UN", index),
            "title": f"Need number {index + 1} of a reader",
            "role": "radiologist",
            "text": f"The reader needs to know what the device did with a film in the situation numbered {index + 1}, in time for the report.",
            "rationale": "Without it the reader would believe in a result that was never computed.",
            "sections": ["user-needs"],
        }
        for index in range(mix.unit)
    ]
    return _table("thoratrace/user-needs/1", "need", rows)


def _architecture() -> str:
    system = {
        "id": "SWS-GENERATED",
        "title": "Generated",
        "safety_class": "C",
        "class_rationale": "It may harm.",
        "documentation_level": "Enhanced",
        "external_interfaces": ["reads: a film"],
    }
    items = "".join(f"\n[[item]]\n{_pairs(_item(part))}" for part in PARTS)
    interface = '\n[[interface]]\nfrom = "SWI-ALPHA"\nto = "SWI-BETA"\npasses = "a film"\n'
    return f'schema = "thoratrace/architecture/1"\n{HEAD}\n[system]\n{_pairs(system)}{items}{interface}'


def _item(part: str) -> dict[str, object]:
    modules = [f"device_sw.{part.lower()}", *(["device_sw._version"] if part == PARTS[0] else [])]
    return {"id": f"SWI-{part}", "title": part.title(), "purpose": f"Part {part}.", "modules": modules}


def _hazards(mix: Mix) -> str:
    text = f'schema = "thoratrace/hazards/1"\n{HEAD}'
    for index in range(mix.unit):
        hazard = {
            "id": name("HAZ", index),
            "title": f"A film of the kind numbered {index + 1} is analysed",
            "source": "The router forwards every object of the modality.",
            "sequence": ["a film enters that the device was not made for", "it is marked as if it were one it was made for"],
        }
        situation = {
            "id": name("HS", index),
            "text": f"The marks on a film of the kind numbered {index + 1} are believed.",
            "harm": "An unneeded examination.",
            "severity": 3,
            "probability": 4,
            "basis": "P1 = 1.",
            "residual_severity": 3,
            "residual_probability": 2,
            "residual_basis": "Two controls lower it by a step each.",
        }
        text += f"\n[[hazard]]\n{_pairs(hazard)}[[hazard.situation]]\n{_pairs(situation)}"
    return text


def _controls(mix: Mix) -> str:
    rows: list[dict[str, object]] = [
        {
            "id": name("RC", index),
            "title": f"Refuse films of the kind numbered {index // 2 + 1}",
            "kind": "inherent-design",
            "text": f"A film of the kind numbered {index // 2 + 1} is refused before any pixel is looked at.",
            "situations": [name("HS", index // 2)],
            "requirements": [name("SRS", each) for each in mix.requirements_of(index)],
            "probability_steps": 1,
            "severity_steps": 0,
            "effect": "No mark is shown.",
            "evidence": [f"@{name('RC', index)}"],
        }
        for index in range(mix.controls)
    ]
    text = f'schema = "thoratrace/controls/1"\n{HEAD}'
    arising = 'arising = { risk = "", assessment = "None found.", situations = [] }\n'
    return text + "".join(f"\n[[control]]\n{_pairs(row)}{arising}" for row in rows)


def _faults(mix: Mix) -> str:
    """Return one seeded defect for each control, in the scenario that shows its effect."""
    rows: list[dict[str, object]] = [
        {
            "id": name("SD", index),
            "control": name("RC", index),
            "kind": "software",
            "would_fail_if": f"films of the kind numbered {index // 2 + 1} were not refused",
            "where": "device_sw.alpha:NAME",
            "defect": "names.not_looked_at",
            "scenarios": [f"TC:file_{2 * index // PER_FILE:04d}.feature::Behaviour number {2 * index + 1} is shown"],
        }
        for index in range(mix.controls)
    ]
    return _table("thoratrace/faults/1", "fault", rows)


def _requirements(mix: Mix, indices: range, part: str) -> str:
    rows = [_requirement(mix, index) for index in indices]
    return _table("thoratrace/software-requirements/1", "requirement", rows, f'item = "SWI-{part}"\n')


def _requirement(mix: Mix, index: int) -> dict[str, object]:
    control = mix.control_of(index)
    disposition: dict[str, object] = {"controls": [name("RC", control)]} if control is not None else {}
    if control is None:
        disposition = {"not_risk_related": "It repeats what the film itself says and nobody decides by it."}
    return {
        "id": name("SRS", index),
        "title": f"Behaviour number {index + 1}",
        "text": f"The device shall answer a film of the kind numbered {index + 1} within 5 seconds and write the answer into the record.",
        "rationale": "The reader reports within minutes; an answer that comes later is not seen any more.",
        "type": "functional",
        "needs": [name("UN", index // 10)],
        "safety": control is not None,
        **disposition,
        "sections": ["software-requirements"],
        "verification": "test",
        "acceptance": f"A film of the kind numbered {index + 1} is answered within 5 seconds on the reference computer.",
    }


def _feature(mix: Mix, number: int, indices: range) -> str:
    head = f"Feature: Behaviour of part {number}\n  As a reader I rely on the answers of this part.\n\n  Background:\n    Given a device with its bundle\n"
    return head + "".join(_scenario(mix, index) for index in indices)


def _scenario(mix: Mix, index: int) -> str:
    tags = [f"@{name('SRS', index)}"]
    if mix.shows(index):
        tags.append(f"@{name('RC', index // 2)}")
    outline = index % 10 == 9
    kind = "<kind>" if outline else str(index + 1)
    text = (
        f"\n  {' '.join(tags)}\n  Scenario{' Outline' if outline else ''}: Behaviour number {index + 1} is shown\n"
        f"    Given a film of the kind numbered {kind}\n    When it is analysed\n    Then it is answered within 5 seconds\n"
        "    And the record holds the answer\n"
    )
    if outline:
        text += "\n    Examples:\n      | kind |\n" + "".join(f"      | {row}    |\n" for row in (1, 2, 3))
    return text


def _pipeline(root: Path) -> None:
    """Leave what the pipeline leaves: outputs, a bundle with its manifest, a validation record, dvc.yaml and dvc.lock."""
    _outputs(root)
    locked = {
        stage: {
            "cmd": f"python -m pipeline.stages.{stage}",
            "deps": [_hashed(root, each) for each in deps],
            "params": {"params.yaml": {"profile": "phantom"}},
            "outs": [_hashed(root, OUTPUTS.get(stage, f"artifacts/{stage}"))],
        }
        for stage, deps in STAGES.items()
    }
    defined = {
        stage: {"cmd": entry["cmd"], **{side: [item["path"] for item in entry[side]] for side in ("deps", "outs")}}
        for stage, entry in locked.items()
    }
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": defined}), encoding="utf-8")
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": locked}), encoding="utf-8")


def _outputs(root: Path) -> None:
    endpoint = {
        "id": "ap50-macro",
        "title": "AP50",
        "metric": "ap50.macro",
        "direction": "at-least",
        "threshold": 0.65,
        "bound": "point",
        "requirement": name("SRS", 0),
        "primary": True,
        "value": 0.8,
        "n": 9,
        "margin": 0.15,
        "passed": True,
        "reason": None,
        "interval": None,
    }
    weights = b"weights"
    manifest = {
        "model_version": "0.1.0",
        "files": {"weights.safetensors": {"sha256": hashlib.sha256(weights).hexdigest(), "size": len(weights)}},
    }
    packaged = json.dumps(manifest)
    device = {"device_version": "0.1.0", "model_version": "0.1.0", "bundle_sha256": hashlib.sha256(packaged.encode()).hexdigest()}
    protocol = {"sha256": hashlib.sha256(PROTOCOL.encode()).hexdigest()}
    films = [
        {"patient_id": f"P{number}", "sha256": str(number), "split": split}
        for number, split in enumerate(("train", "val", "test"))
    ]
    outputs = {f"artifacts/{stage}/out.txt": stage for stage in ("cohort", "prepare", "train", "predict")}
    outputs |= {
        "artifacts/bundle/manifest.json": packaged,
        "artifacts/predictions/predictions.json": json.dumps(device),
        "artifacts/cohort/cohort.json": json.dumps({"films": films}),
        VALIDATION: json.dumps({"protocol": protocol, "device": device, "endpoints": [endpoint]}),
    }
    outputs["artifacts/bundle/weights.safetensors"] = weights.decode()
    for path, text in outputs.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _hashed(root: Path, path: str) -> dict[str, object]:
    return {"path": path, "hash": "md5", "md5": md5_of(root / path), "size": 1}


def _run(root: Path) -> None:
    """Leave what a verification run leaves in which everything passed."""
    scenarios, problems = features.load(root)
    if problems:
        raise ValueError(f"the generated feature files are not sound: {problems[0]}")
    suites = ET.Element("testsuites", name="pytest tests")
    suite = ET.SubElement(suites, "testsuite", name="pytest", errors="0", failures="0", skipped="0")
    for scenario in scenarios:
        tags = [tag for tag in scenario.tags if tag.startswith(ITEM_PREFIXES)]
        for feature, title, row in scenario.expected():
            case = ET.SubElement(suite, "testcase", classname="verification.test_features", name="test_scenario", time="0.010")
            properties = ET.SubElement(case, "properties")
            pairs = [("verifies", tag) for tag in tags] + [
                ("feature", feature),
                ("scenario", title),
                ("row", row),
                ("attempts", "1"),
            ]
            for key, value in pairs:
                ET.SubElement(properties, "property", name=key, value=value)
    (root / JUNIT).parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suites).write(root / JUNIT, encoding="utf-8", xml_declaration=True)
    verdicts = judge(scenarios, read_junit(root / JUNIT))
    write_json(root / VERDICTS, Record(read_identity(root, "verification"), 0, verdicts).to_json())
