"""A small repository with people who can sign, and a release folder in it that is written by the real code."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.keyring import Keyring
from pipeline.release.approval.signers import signers_of
from pipeline.release.parts.collection import subject_of
from pipeline.release.record import folder
from pipeline.release.record.record import Kind
from pipeline.release.sealing import sealing
from tests.pipeline.release.records import record
from verification.trace.people import time_text

if TYPE_CHECKING:
    from pathlib import Path

ROLES = {"DEMO-quality": "quality assurance", "DEMO-regulatory": "regulatory affairs", "DEMO-author": "software lead"}
ENVIRONMENT = {
    **os.environ,
    **{f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": os.devnull,
}
VALIDATION = {
    "films_are": "phantom results: simulated radiographs",
    "statement": "pipeline check, no performance claim",
    "endpoints": [
        {
            "id": "ap50-macro",
            "title": "AP at IoU 0.5 <macro>",
            "value": 0.6623,
            "interval": {"low": 0.6184, "high": 0.7163},
            "direction": "at-least",
            "threshold": 0.65,
            "bound": "point",
            "passed": True,
        },
        {
            "id": "fp",
            "title": "False positives",
            "value": None,
            "interval": None,
            "reason": "no normal films",
            "direction": "at-most",
            "threshold": 2.0,
            "bound": "upper",
            "passed": False,
        },
    ],
}
PARTS = {
    "archive/wheel/device.whl": b"wheel",
    "bundle/manifest.json": b"{}",
    "files/params.yaml": b"profile: phantom\nbudget: quick\n",
    "files/validation.json": json.dumps(VALIDATION).encode(),
}


def git(root, *arguments):
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return done.stdout.strip()


class Bench:
    """A repository with one commit, people.toml with a key for each person, and their keyring outside."""

    def __init__(self, folder_of_test: Path) -> None:
        self.root = folder_of_test / "project"
        self.root.mkdir()
        self.keyring = Keyring(folder_of_test / "keys")
        self.keys = {name: self.keyring.create() for name in ROLES}
        (self.root / "people.toml").write_text(self._people(), encoding="utf-8")
        (self.root / ".gitignore").write_text("artifacts/\n", encoding="utf-8")
        (self.root / "params.yaml").write_text("profile: phantom\nbudget: quick\n", encoding="utf-8")
        git(self.root, "init", "-q")
        self.commit()

    def commit(self):
        git(self.root, "add", ".")
        git(self.root, "commit", "-qm", "a state")
        return git(self.root, "rev-parse", "HEAD")

    def _people(self):
        since, until = (time_text(datetime.now(UTC) + timedelta(days=days)) for days in (-1, 100))
        text = 'schema = "thoratrace/people/1"\nproject = "thoratrace"\n'
        text += "".join(f'[[role]]\nname = "{role}"\nsigns = "all"\nmeanings = ["approved"]\n' for role in ROLES.values())
        text += '[[rule]]\ndocuments = "releases"\nroles = ["quality assurance", "regulatory affairs"]\n'
        for name, role in ROLES.items():
            text += f'[[person]]\nname = "{name}"\nkind = "demonstration"\nroles = ["{role}"]\n'
            text += f'[[person.key]]\nid = "{self.keys[name].id}"\npublic = "{self.keys[name].line}"\n'
            text += f'valid_from = "{since}"\nvalid_until = "{until}"\n'
        return text

    def release(self, version="0.1.0", kind=Kind.TRIAL, names=("DEMO-quality", "DEMO-regulatory"), **changes):
        """Write a release folder with a few small parts and return it."""
        made = folder.folder_of(self.root, version, kind)
        subjects = tuple(subject_of(name, content) for name, content in PARTS.items())
        signers = signers_of(self.root, kind, names)
        given = {"version": version, "kind": kind, "subjects": subjects, "signers": signers}
        sealing.write(made, record(**(given | changes)), PARTS)
        return made
