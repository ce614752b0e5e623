"""A project small enough to hold in the head, complete enough for an open gate, with a run sealed the way `./qms demo` leaves one."""

import hashlib
import json
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from requirements_spec import changes as specification_changes
from requirements_spec import loader
from risk import changes as risk_changes
from risk import loader as risk_loader
from verification.trace import baseline, features, gate, renewal
from verification.trace.assembly import ITEM_PREFIXES
from verification.trace.bridges import texts
from verification.trace.evidence import JUNIT, VERDICTS, Record, write_json
from verification.trace.identity import read_identity
from verification.trace.junit import read_junit
from verification.trace.lineage import md5_of
from verification.trace.outcomes import judge
from verification.trace.records import filled, write_records

ROOT = Path(__file__).resolve().parents[3]

FEATURE = """\
@SRS-001
Feature: Admission
  Background:
    Given a film

  @RC-001
  Scenario: A child's film is refused
    When it is analysed
    Then it is refused

  @SRS-002
  Scenario Outline: Every view is told
    When the view is <view>
    Then the record says <view>
    Examples:
      | view    |
      | PA      |
      | LATERAL |
"""

NEEDS = """\
schema = "thoratrace/user-needs/1"
author = "DEMO-author"
status = "draft"
[[need]]
id = "UN-001"
title = "Adults only"
role = "radiologist"
text = "No result for a child."
rationale = "Another anatomy."
sections = ["user-needs"]
"""

REQUIREMENTS = """\
schema = "thoratrace/software-requirements/1"
item = "SWI-DEVICE"
author = "DEMO-author"
status = "draft"
[[requirement]]
id = "SRS-001"
title = "Refuse a child's film"
text = "The device shall refuse a film of a patient under 18."
rationale = "Intended use."
type = "functional"
needs = ["UN-001"]
safety = true
controls = ["RC-001"]
sections = ["software-requirements"]
verification = "test"
acceptance = "A film of age 17 is refused."
[[requirement]]
id = "SRS-002"
title = "Tell the view"
text = "The device shall write the view into the record."
rationale = "Readers ask."
type = "data"
needs = ["UN-001"]
safety = false
not_risk_related = "It repeats what the film says."
sections = ["software-requirements"]
verification = "test"
acceptance = "The record holds the view."
"""

ARCHITECTURE = """\
schema = "thoratrace/architecture/1"
author = "DEMO-author"
status = "draft"
[system]
id = "SWS-TINY"
title = "Tiny"
safety_class = "C"
class_rationale = "It may harm."
documentation_level = "Enhanced"
external_interfaces = ["reads: a film"]
[[item]]
id = "SWI-DEVICE"
title = "Device"
purpose = "Everything."
modules = ["device_sw.device", "device_sw._version"]
[[interface]]
from = "SWI-DEVICE"
to = "SWI-DEVICE"
passes = "itself"
"""

SOUP = """\
schema = "thoratrace/soup/1"
author = "DEMO-author"
status = "draft"
[[soup]]
id = "SOUP-NUMPY"
title = "NumPy"
distribution = "numpy"
manufacturer = "NumPy Developers"
purpose = "Arrays."
used_by = ["SWI-DEVICE"]
requirements = ["adds"]
needs = "a processor"
anomalies = "its issue list"
licence = "BSD-3-Clause"
safety = "Wrong sums."
"""

HAZARDS = """\
schema = "thoratrace/hazards/1"
author = "DEMO-author"
status = "draft"
[[hazard]]
id = "HAZ-001"
title = "A child's film"
source = "The router sends it."
sequence = ["a film of a child enters", "it is marked"]
[[hazard.situation]]
id = "HS-001"
text = "Marks on a child's film are believed."
harm = "An unneeded CT."
severity = 3
probability = 4
basis = "P1 = 1."
residual_severity = 3
residual_probability = 2
residual_basis = "The age is checked."
"""

CONTROLS = """\
schema = "thoratrace/controls/1"
author = "DEMO-author"
status = "draft"
[[control]]
id = "RC-001"
title = "Only adults"
kind = "inherent-design"
text = "A film of a patient under 18 is refused."
situations = ["HS-001"]
requirements = ["SRS-001"]
probability_steps = 2
severity_steps = 0
effect = "No mark."
evidence = ["@RC-001"]
arising = { risk = "", assessment = "None found.", situations = [] }
"""

FAULTS = """\
schema = "thoratrace/faults/1"
author = "DEMO-author"
status = "draft"
[[fault]]
id = "SD-001"
control = "RC-001"
kind = "software"
would_fail_if = "the age were not looked at"
where = "device_sw.device:ADULT"
defect = "ages.not_looked_at"
scenarios = ["TC:admission.feature::A child's film is refused"]
"""

PYPROJECT = '[project]\nname = "tiny"\nrequires-python = ">=3.11"\ndependencies = [\n  "numpy>=2.4,<3",\n]\n'

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
requirement = "SRS-001"
primary = true
"""

FILES = {
    "verification/features/admission.feature": FEATURE,
    "verification/conftest.py": "",
    "verification/test_features.py": "",
    "verification/steps/film.py": "AGE = 17\n",
    "verification/faults/faults.toml": FAULTS,
    "verification/trace/gate.py": "# judges, and is not judged\n",
    "requirements_spec/data/user_needs.toml": NEEDS,
    "requirements_spec/data/software_requirements/device.toml": REQUIREMENTS,
    "requirements_spec/data/architecture.toml": ARCHITECTURE,
    "requirements_spec/data/soup.toml": SOUP,
    "risk/data/hazards.toml": HAZARDS,
    "risk/data/controls.toml": CONTROLS,
    "validation/protocol.toml": PROTOCOL,
    "device_sw/device.py": "ADULT = 18\n",
    "device_sw/_version.py": '__version__ = "0.1.0"\n',
    "phantom/thorax.py": "RIBS = 24\n",
    "pipeline/training/loop.py": "EPOCHS = 1\n",
    "docs/user-needs.md": "# User needs\n",
    "docs/software-requirements.md": "# Software requirements\n",
    "docs/gaps.toml": 'schema = "thoratrace/gaps/1"\n[[gap]]\nid = "GAP-001"\nmissing = "No clinical data."\nowner_role = "clinical evaluation"\n',
    "params.yaml": "profile: phantom\nbudget: quick\nmodel_version: 0.1.0\ntrain: {seed: 7}\n",
    "requirements.lock": "numpy==2.4.0 \\\n    --hash=sha256:00\n",
    "pyproject.toml": PYPROJECT,
    ".gitignore": "artifacts/\n__pycache__/\n",
}

ENDPOINT = {
    "id": "ap50-macro",
    "title": "AP50",
    "metric": "ap50.macro",
    "direction": "at-least",
    "threshold": 0.65,
    "bound": "point",
    "requirement": "SRS-001",
    "primary": True,
    "value": 0.8,
    "n": 9,
    "margin": 0.15,
    "passed": True,
    "reason": None,
    "interval": None,
}

ENVIRONMENT = {
    "python": "CPython 3.11.7",
    "platform": "Linux x86_64",
    "packages": {"pytest": "9.2.0", "pytest-bdd": "9.0.1", "numpy": "2.4.0"},
}
"""What the recording plugin notes about the machine."""

SPLITS = ("train", "train", "val", "test")
"""Split of each film of the tiny cohort, one patient each."""

STAGES = {
    "cohort": ["phantom"],
    "prepare": ["artifacts/cohort"],
    "train": ["artifacts/prepare", "pipeline/training"],
    "package": ["artifacts/train"],
    "predict": ["artifacts/bundle", "device_sw"],
    "validate": ["artifacts/predictions"],
}
"""Stage to deps; outputs are artifacts/<stage> but for three, see ``OUTPUTS``."""

OUTPUTS = {"package": "artifacts/bundle", "predict": "artifacts/predictions", "validate": "artifacts/validation"}


class Project:
    """A project under a folder of its own, with the steps of a run in place of the run."""

    def __init__(self, root):
        self.root = root

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def replace(self, name, old, new):
        text = self.read(name)
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))

    def line(self, name, text):
        """Return the line on which a text stands for the first time."""
        content = self.read(name)
        return 1 + content[: content.index(text)].count("\n")

    def git(self, *arguments):
        identity = ["-c", "user.name=DEMO", "-c", "user.email=demo@example.invalid"]
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def record_changes(self):
        """Enter the content as it is now into both ledgers."""
        for book in (specification_changes.SPECIFICATION_BOOK, risk_changes.RISK_BOOK):
            _, problems = specification_changes.record(self.root, book, "DEMO-author", "test of the gate")
            assert problems == ()

    def reproduce(self):
        """Leave what `dvc repro` leaves: outputs, a bundle with its manifest, a validation record, dvc.lock."""
        self._outputs()
        locked = {}
        for stage, deps in STAGES.items():
            entry = {"cmd": f"python -m pipeline.stages.{stage}", "deps": [self._hashed(name) for name in deps]}
            locked[stage] = {
                **entry,
                "params": {"params.yaml": {"profile": "phantom"}},
                "outs": [self._hashed(OUTPUTS.get(stage, f"artifacts/{stage}"))],
            }
        defined = {name: {"cmd": entry["cmd"], **_paths(entry)} for name, entry in locked.items()}
        self.write("dvc.yaml", yaml.safe_dump({"stages": defined}))
        self.write("dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": locked}))

    def _outputs(self):
        for name in ("cohort", "prepare", "train"):
            self.write(f"artifacts/{name}/out.txt", name)
        self.write("artifacts/bundle/weights.safetensors", "weights")
        sha256 = hashlib.sha256(b"weights").hexdigest()
        manifest = {"model_version": "0.1.0", "files": {"weights.safetensors": {"sha256": sha256, "size": 7}}}
        self.write("artifacts/bundle/manifest.json", json.dumps(manifest))
        bundle = hashlib.sha256(self.read("artifacts/bundle/manifest.json").encode()).hexdigest()
        device = {"device_version": "0.1.0", "model_version": "0.1.0", "bundle_sha256": bundle}
        self.write("artifacts/predictions/predictions.json", json.dumps(device))
        films = [{"patient_id": f"P{number}", "sha256": str(number), "split": split} for number, split in enumerate(SPLITS)]
        self.write("artifacts/cohort/cohort.json", json.dumps({"films": films}))
        protocol = hashlib.sha256(self.read("validation/protocol.toml").encode()).hexdigest()
        record = {"protocol": {"sha256": protocol}, "device": device, "endpoints": self.endpoints()}
        self.write("artifacts/validation/validation.json", json.dumps(record))

    def endpoints(self):
        """Return the endpoints that the protocol sets for phantom/quick, each of them met."""
        sets = tomllib.loads(self.read("validation/protocol.toml"))["set"]
        owed = [each for one in sets if one["profile"] == "phantom" and "quick" in one["budgets"] for each in one["endpoint"]]
        return [{**ENDPOINT, **each, "value": each["threshold"] + 0.15} for each in owed]

    def _hashed(self, name):
        return {"path": name, "hash": "md5", "md5": md5_of(self.root / name), "size": 1}

    def verify(self, outcomes=(), *, exit_code=0):
        """Leave what a verification run leaves; ``outcomes`` maps (scenario, row) to the children of its JUnit case."""
        scenarios, _ = features.load(self.root)
        write_junit(self.root / JUNIT, scenarios, dict(outcomes))
        verdicts = judge(scenarios, read_junit(self.root / JUNIT))
        specification, _ = loader.load(self.root)
        read = texts(scenarios, specification, risk_loader.load(self.root, specification)[0])
        record = Record(read_identity(self.root, "verification"), exit_code, verdicts, read)
        write_json(self.root / VERDICTS, record.to_json())
        write_records(self.root, record, scenarios)

    def owe(self):
        """Make everything owed now the baseline, as a first renewal."""
        for name in (baseline.BASELINE, baseline.LEDGER):
            (self.root / name).unlink(missing_ok=True)
        renewal.renew(self.root, "DEMO-author", "baseline of a test of the gate")

    def rewrite_records(self):
        """Make verdicts and test records again from the raw record that lies there."""
        scenarios, _ = features.load(self.root)
        record = Record(read_identity(self.root, "verification"), 0, judge(scenarios, read_junit(self.root / JUNIT)))
        write_json(self.root / VERDICTS, record.to_json())
        write_records(self.root, record, scenarios)

    def seal(self, outcomes=()):
        """Enter the changes, run the pipeline, run the verification, take the obligations down."""
        self.record_changes()
        self.reproduce()
        self.verify(outcomes)
        self.owe()

    def check(self, level=gate.Level.DEVELOPMENT):
        return gate.check(self.root, level)

    def codes(self, level=gate.Level.DEVELOPMENT):
        return sorted({problem.code for problem in self.check(level).problems})

    def edit_verdicts(self, change):
        """Let ``change`` edit verdicts.json as parsed."""
        data = json.loads(self.read(VERDICTS))
        change(data)
        self.write(VERDICTS, json.dumps(data))


def _paths(entry):
    return {side: [item["path"] for item in entry[side]] for side in ("deps", "outs")}


def write_junit(path, scenarios, outcomes):
    """Write a JUnit record of every scenario row, as pytest and verification/conftest.py do."""
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", name="pytest", timestamp="2026-11-21T10:00:00+00:00")
    noted = ET.SubElement(suite, "properties")
    for key, value in {"environment": json.dumps(ENVIRONMENT), "tester": "automated run, no person"}.items():
        ET.SubElement(noted, "property", name=key, value=value)
    for scenario in scenarios:
        for feature, name, row in scenario.expected():
            children = outcomes.get((name, row), "")
            if children is not None:
                tags = [tag for tag in scenario.tags if tag.startswith(ITEM_PREFIXES)]
                suite.append(junit_case(feature, name, row, tags, children, steps=executed(scenario, row)))
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def executed(scenario, row):
    """Return the steps of a row as the recording plugin notes them when all of them hold."""
    example = next((each for each in scenario.rows if each.text == row), None)
    return [f"passed: {step.keyword} {filled(step.text, example)}" for step in scenario.steps]


def junit_case(feature, name, row, tags, children="", *, steps=()):
    """Return one test case with its properties and the outcome's elements, given as XML text."""
    case = ET.fromstring(f'<testcase classname="verification.test_features" name="test">{children}</testcase>')
    properties = ET.Element("properties")
    pairs = [("verifies", tag) for tag in tags] + [("feature", feature), ("scenario", name), ("row", row), ("attempts", "1")]
    pairs += [("step", step) for step in steps]
    for key, value in pairs:
        ET.SubElement(properties, "property", name=key, value=value)
    case.insert(0, properties)
    return case


@pytest.fixture(scope="session")
def sealed(tmp_path_factory):
    """The tiny project, sealed, to be copied."""
    project = Project(tmp_path_factory.mktemp("tiny"))
    for name, text in FILES.items():
        project.write(name, text)
    shutil.copy(ROOT / "risk" / "data" / "policy.toml", project.root / "risk" / "data" / "policy.toml")
    project.git("init", "-q", "--template=")
    project.seal()
    return project


@pytest.fixture
def project(sealed, tmp_path):
    """The tiny project, sealed, open gate, free to be broken."""
    shutil.copytree(sealed.root, tmp_path / "tiny")
    return Project(tmp_path / "tiny")


SHIPPED = (
    "AUDIT.head.json",
    "AUDIT.jsonl",
    "device_sw",
    "docs",
    "params.yaml",
    "people.toml",
    "phantom",
    "pipeline",
    "pyproject.toml",
    "requirements.lock",
    "requirements_spec",
    "risk",
    "validation",
    "verification",
    ".gitignore",
)


@pytest.fixture(scope="session")
def shipped_template(tmp_path_factory):
    """The project's own data with a sealed run in which everything passed."""
    project = Project(tmp_path_factory.mktemp("shipped"))
    for name in SHIPPED:
        source, target = ROOT / name, project.root / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.png", "_extra"))
        else:
            shutil.copy(source, target)
    project.git("init", "-q", "--template=")
    project.reproduce()
    project.verify()
    project.owe()
    return project


@pytest.fixture
def shipped(shipped_template, tmp_path):
    """A copy of the shipped data with its sealed run."""
    shutil.copytree(shipped_template.root, tmp_path / "shipped")
    return Project(tmp_path / "shipped")
