"""A project small enough to hold in the head, with releases of it that the stand-alone verifier finds to hold: sealed by hand, with keys that end with the test."""

import copy
import hashlib
import json
import shutil
import subprocess

from tests.pipeline.release.sealed import ENVIRONMENT, QUALITY, SAFETY, Log, Sealed, canonical, people_toml, sha256, statement_of
from tests.verification.trace.conftest import ENDPOINT, FILES, ROOT, Project
from verification.trace import gate

HAZARDS = "risk/data/hazards.toml"
PAGE = "<html><body><nav>menu</nav><article><h1>Overview</h1><p>{}</p></article></body></html>"
DOCUMENTS = {
    "docs/intended-use.md": "# Intended use\n\nConcurrent reading of frontal radiographs of adults.\n",
    "docs/labelling.md": "# Instructions for use\n\nRead the whole film.\n",
    "docs/risk-management.md": "# Risk management\n",
    "docs/verification.md": "# Verification\n",
    "CHANGELOG.md": "# Changelog\n",
    "device.lock": "numpy==2.4.0 \\\n    --hash=sha256:00\n",
}
OUTPUTS = {"cohort": "artifacts/cohort", "prepare": "artifacts/prepared", "train": "artifacts/training"}
STAGES = {
    "cohort": {"phantom": "1" * 64, "params.yaml": "2" * 64},
    "prepare": {"artifacts/cohort": "3" * 64},
    "train": {"artifacts/prepared": "4" * 64, "pipeline/training": "5" * 64},
}


def metrics(value=0.8, **changes):
    """Return recorded metrics of a validation with one endpoint and one figure by finding."""
    interval = {"low": value - 0.05, "high": value + 0.05, "level": 0.95}
    return {
        "schema": "thoratrace/validation/1",
        "profile": "phantom",
        "budget": "quick",
        "films_are": "phantom results",
        "statement": "pipeline check",
        "protocol": {"sha256": "a" * 64},
        "films": {"test": 80},
        "analysis": {"iou": 0.5, "level": 0.95},
        "endpoints": [{**ENDPOINT, "value": value, "interval": interval}],
        "figures": {"ap50": {"scoliosis": {"value": value, "interval": interval, "denominator": 9}}},
    } | changes


class Release(Sealed):
    """A release in the places where the project looks for one."""

    @property
    def archive(self):
        return self.folder.parents[1] / "artifacts" / "releases" / self.folder.name / "archive"

    @archive.setter
    def archive(self, _):
        """Keep the project's place."""


class Trial(Sealed):
    """A trial in the place where the project looks for one: nobody signed it."""

    @property
    def archive(self):
        return self.folder / "archive"

    @archive.setter
    def archive(self, _):
        """Keep the project's place."""


class Releases:
    """A project, the log that its releases are entered in, and the last record."""

    def __init__(self, root):
        self.project, self.log, self.previous = (
            Project(root),
            Log().add(facts={"version": "0.0.1", "record_sha256": "9" * 64}),
            None,
        )
        for name, text in {**FILES, **DOCUMENTS}.items():
            self.project.write(name, text)
        shutil.copy(ROOT / "risk/data/policy.toml", root / "risk/data/policy.toml")
        (root / "people.toml").write_bytes(people_toml(QUALITY, SAFETY))
        self.project.git("init", "-q", "--template=")
        self.project.seal()
        self.write_log()
        self.commit()

    @property
    def root(self):
        return self.project.root

    def copied(self, place):
        """Return a copy in another place, free to go on from here."""
        shutil.copytree(self.root, place)
        other = copy.deepcopy(self)
        other.project = Project(place)
        return other

    def change(self):
        """Change something of every kind, and release it as 0.2.0."""
        hazards = self.project.read(HAZARDS)
        other = hazards[hazards.index("[[hazard]]") :].replace("HAZ-001", "HAZ-002").replace("HS-001", "HS-002")
        self.project.write(HAZARDS, hazards + other)
        self.project.replace("risk/data/controls.toml", 'situations = ["HS-001"]', 'situations = ["HS-001", "HS-002"]')
        self.project.replace(
            "requirements_spec/data/user_needs.toml", "No result for a child.", "No <b>mark</b> for a child & no score."
        )
        self.project.replace("device_sw/device.py", "ADULT = 18", "ADULT = 21")
        self.project.write(
            "docs/intended-use.md", "# Intended use\n\nConcurrent reading of frontal radiographs of grown people.\n"
        )
        self.project.write("params.yaml", "profile: phantom\nbudget: quick\nmodel_version: 0.1.0\ntrain: {seed: 8}\n")
        self.run()
        self.release("0.2.0", weights=b"other weights", validation=metrics(0.85), page="Grown people only.")

    def write_log(self):
        (self.root / "AUDIT.jsonl").write_bytes(self.log.text)
        (self.root / "AUDIT.head.json").write_bytes(self.log.head)

    def commit(self):
        self.project.git("add", "-A")
        self.project.git("commit", "-q", "--allow-empty", "-m", "a state")

    def run(self, outcomes=()):
        """Leave ledger entries, a pipeline run and a verification run for what lies there now."""
        self.project.record_changes()
        self.project.reproduce()
        self.project.verify(outcomes)

    def release(self, version, *, weights=b"weights", validation=None, page="Adults only.", stages=STAGES, parts=()):
        """Seal what lies there, enter it in the log, commit, and return the release."""
        self.commit()
        made = self._parts(weights, validation or metrics(), page) | dict(parts)
        held = {name: {"before": inputs, "after": inputs} for name, inputs in stages.items()}
        statement = statement_of(made, stages=held, source=self._source())["predicate"]
        changes = {name: statement[name] for name in ("stages", "source", "model")}
        sealed = Release(self.root, version, parts=made, previous=self.previous, data_root=sha256(b"data"), **changes)
        self.previous = {"version": version, "record_sha256": sealed.sha256}
        self.log.add(facts={"version": version, "record_sha256": sealed.sha256, "commit": changes["source"]["commit"]})
        self.write_log()
        self.commit()
        return sealed

    def trial(self, version):
        """Seal what lies there as a trial, which nobody signs."""
        made = self._parts(b"weights", metrics(), "Adults only.")
        return Trial(self.root / "artifacts", version, parts=made, signers=(), kind="trial", source=self._source())

    def _parts(self, weights, validation, page):
        here = {
            f"files/{name}": (self.root / name).read_bytes()
            for name in ("device.lock", "params.yaml", "people.toml", "requirements.lock")
        }
        judged = json.dumps(gate.to_json_result(gate.check(self.root, write=False))).encode()
        return here | {
            "archive/technical_file/html/index.html": PAGE.format(page).encode(),
            "archive/technical_file/html/intended-use.html": PAGE.format("For adults.").encode(),
            "archive/technical_file/html/labelling.html": PAGE.format("Read the whole film.").encode(),
            "archive/wheel/device.whl": b"PK wheel",
            "bundle/manifest.json": json.dumps({"weights": sha256(weights)}).encode(),
            "bundle/findings.toml": b"",
            "bundle/model.json": b"{}",
            "bundle/thresholds.json": b"{}",
            "bundle/weights.safetensors": weights,
            "files/audit.head.json": self.log.head,
            "files/audit.jsonl": self.log.text,
            "files/environment.json": json.dumps(ENVIRONMENT | {"libraries": {}}).encode(),
            "files/gate.json": judged,
            "files/lineage.json": json.dumps({"stages": {name: {"outs": {path: {}}} for name, path in OUTPUTS.items()}}).encode(),
            "files/validation.json": json.dumps(validation).encode(),
            "files/verification.json": (self.root / "artifacts/verification/verdicts.json").read_bytes(),
        }

    def _source(self):
        ids = [self._git("rev-parse", name).decode().strip() for name in ("HEAD", "HEAD^{tree}")]
        entries = (entry.split(None, 3) for entry in self._git("ls-tree", "-r", "-z", "HEAD").split(b"\0")[:-1])
        files = {
            path.decode(): [mode.decode(), hashlib.sha256(self._git("cat-file", "blob", blob.decode())).hexdigest()]
            for mode, _, blob, path in entries
        }
        return {"commit": ids[0], "tree": ids[1], "files_sha256": sha256(canonical(files))}

    def _git(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True).stdout
