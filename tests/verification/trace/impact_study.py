"""Random edits of the shipped project, each of which knows what it changed; `impact` against the oracle. Resumable: finished trials are kept.

    .venv/bin/python -m tests.verification.trace.impact_study --n 500 --seed 1 --out evidence/impact/impact.json

A trial makes one to three edits in a copy of the working tree, asks for the impact against the copy's only commit, and puts everything back.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.verification.trace.impact_oracle import Oracle, step_use
from verification.trace import revisions
from verification.trace.evidence import write_json
from verification.trace.graph import to_json

ROOT = Path(__file__).resolve().parents[3]
KEPT = "artifacts/impact/trials.jsonl"
RISK = "risk/data"
SPECIFICATION = "requirements_spec/data"


@dataclass
class Truth:
    """What the edits of one trial touched: ids of items, scenarios by a function they run, files of no item, and whole groups."""

    items: set = field(default_factory=set)
    scenarios: set = field(default_factory=set)
    loose: set = field(default_factory=set)
    policy: bool = False
    model: bool = False
    system: bool = False


class Bench:
    """A copy of the project under version control of its own, and the edits that are made to it."""

    def __init__(self, folder, chance):
        self.root = folder
        self.random = chance
        self.uses = step_use(str(ROOT))
        self._copy()
        self.base = self._state()

    def _copy(self):
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        for name in listed.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.root / name)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "base")
        self.commit = self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments):
        identity = ["-c", "user.name=DEMO", "-c", "user.email=demo@example.invalid", "-c", "gc.auto=0"]
        return subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True).stdout

    def restore(self):
        self.git("reset", "-q", "--hard")
        self.git("clean", "-q", "-fd")

    def _state(self):
        """The links as the gate exports them."""
        return Oracle(to_json(revisions.read_state(self.root, ()).graph))

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def write(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")

    def choose(self, options):
        return self.random.choice(sorted(options))

    def block(self, name, key):
        """One table of an array: its id and its text."""
        text = self.read(name)
        rows = list(re.finditer(rf"^\[\[{key}\]\]\nid = \"([^\"]+)\"\n(?:(?!\[\[).*\n?)*", text, re.MULTILINE))
        row = rows[self.random.randrange(len(rows))]
        return text, row[1], row[0]

    def change_text(self, name, key, field_name):
        """Add words to one text of one item; returns the item's id."""
        text, item, block = self.block(name, key)
        new = re.sub(
            rf'^({field_name} = "[^"]*?)(")', rf"\1 Edited {self.random.randrange(10**6)}.\2", block, count=1, flags=re.MULTILINE
        )
        assert new != block, (name, key, item)
        self.write(name, text.replace(block, new, 1))
        return item

    def requirement_file(self):
        return self.choose(
            path.relative_to(self.root).as_posix()
            for path in (self.root / SPECIFICATION / "software_requirements").glob("*.toml")
        )

    # Each edit below returns nothing and enters in the truth what it touched.

    def need_text(self, truth):
        truth.items.add(self.change_text(f"{SPECIFICATION}/user_needs.toml", "need", self.choose(("text", "rationale", "title"))))

    def requirement_text(self, truth):
        truth.items.add(
            self.change_text(self.requirement_file(), "requirement", self.choose(("rationale", "acceptance", "title")))
        )

    def requirement_link(self, truth):
        """Take a need or a section off a requirement that has several."""
        name = self.requirement_file()
        text, item, block = self.block(name, "requirement")
        new = re.sub(r'^((?:needs|sections) = \["[^"]+"), "[^"]+"', r"\1", block, count=1, flags=re.MULTILINE)
        if new != block:
            self.write(name, text.replace(block, new, 1))
            truth.items.add(item)

    def requirement_removed(self, truth):
        name = self.requirement_file()
        text, item, block = self.block(name, "requirement")
        self.write(name, text.replace(block, "", 1))
        truth.items.add(item)

    def control_text(self, truth):
        truth.items.add(self.change_text(f"{RISK}/controls.toml", "control", self.choose(("text", "effect", "title"))))

    def control_link(self, truth):
        """Take a situation or a requirement off a control that has several."""
        name = f"{RISK}/controls.toml"
        text, item, block = self.block(name, "control")
        new = re.sub(r'^((?:situations|requirements) = \["[^"]+"), "[^"]+"', r"\1", block, count=1, flags=re.MULTILINE)
        if new != block:
            self.write(name, text.replace(block, new, 1))
            truth.items.add(item)

    def hazard_text(self, truth):
        truth.items.add(self.change_text(f"{RISK}/hazards.toml", "hazard", self.choose(("title", "source"))))

    def situation_text(self, truth):
        truth.items.add(self.change_text(f"{RISK}/hazards.toml", "hazard.situation", self.choose(("harm", "basis"))))

    def situation_level(self, truth):
        name = f"{RISK}/hazards.toml"
        text, item, block = self.block(name, "hazard.situation")
        level = int(re.search(r"^severity = (\d)", block, re.MULTILINE)[1])
        self.write(
            name, text.replace(block, re.sub(r"^severity = \d", f"severity = {level % 5 + 1}", block, flags=re.MULTILINE), 1)
        )
        truth.items.add(item)

    def policy_text(self, truth):
        name = f"{RISK}/policy.toml"
        self.write(
            name,
            re.sub(
                r'^(review = "[^"]*?)(")',
                rf"\1 Edited {self.random.randrange(10**6)}.\2",
                self.read(name),
                count=1,
                flags=re.MULTILINE,
            ),
        )
        truth.policy = True

    def item_purpose(self, truth):
        truth.items.add(self.change_text(f"{SPECIFICATION}/architecture.toml", "item", "purpose"))

    def system_text(self, truth):
        name = f"{SPECIFICATION}/architecture.toml"
        self.write(
            name, re.sub(r'^(class_rationale = "[^"]*?)(")', r"\1 Edited.\2", self.read(name), count=1, flags=re.MULTILINE)
        )
        truth.system = True

    def soup_text(self, truth):
        truth.items.add(self.change_text(f"{SPECIFICATION}/soup.toml", "soup", self.choose(("purpose", "safety", "anomalies"))))

    def soup_version(self, truth):
        """Pin another version of a SOUP item."""
        rows = tomllib.loads(self.read(f"{SPECIFICATION}/soup.toml"))["soup"]
        text = self.read("requirements.lock")
        pinned = [row for row in rows if len(re.findall(rf"^{row['distribution']}==", text, re.MULTILINE)) == 1]
        row = pinned[self.random.randrange(len(pinned))]
        self.write(
            "requirements.lock",
            re.sub(rf"^({row['distribution']}==[0-9][^ ;\n]*)", r"\g<1>.post9", text, count=1, flags=re.MULTILINE),
        )
        truth.items.add(row["id"])

    def tool_version(self, _truth):
        """Pin another version of a tool that the device never loads: the lock changes, no item does."""
        self.write(
            "requirements.lock",
            re.sub(r"^(ruff==[0-9][^ ;\n]*)", r"\g<1>.post9", self.read("requirements.lock"), count=1, flags=re.MULTILINE),
        )

    def module_code(self, truth):
        path = self.choose(
            p.relative_to(self.root).as_posix() for p in (self.root / "device_sw").rglob("*.py") if p.name != "__init__.py"
        )
        self.write(path, self.read(path) + f"\nEDITED = {self.random.randrange(10**6)}\n")
        truth.items.add(path.removesuffix(".py").replace("/", "."))

    def module_comment(self, _truth):
        path = self.choose(
            p.relative_to(self.root).as_posix() for p in (self.root / "device_sw").rglob("*.py") if p.name != "__init__.py"
        )
        self.write(path, self.read(path) + "\n# a remark\n")

    def module_data(self, truth):
        self.write(
            "device_sw/findings.toml", self.read("device_sw/findings.toml") + f"\n# edited {self.random.randrange(10**6)}\n"
        )
        truth.items.add("device_sw.findings")

    def scenario_step(self, truth):
        """Change the words of one step; the scenario is another one then."""
        path, text, scenario, block = self._scenario()
        new = re.sub(r"^( +(?:Then|And|When|Given) .*)$", r"\1 and more", block, count=1, flags=re.MULTILINE)
        self.write(path, text.replace(block, new, 1))
        truth.items.add(scenario)

    def scenario_tag(self, truth):
        """Take one of several tags off a scenario."""
        path, text, scenario, block = self._scenario()
        new = re.sub(r"^( +@\S+) @\S+", r"\1", block, count=1, flags=re.MULTILINE)
        if new != block:
            self.write(path, text.replace(block, new, 1))
            truth.items.add(scenario)

    def scenario_removed(self, truth):
        path, text, scenario, block = self._scenario()
        self.write(path, text.replace(block, "", 1))
        truth.items.add(scenario)

    def scenario_added(self, truth):
        path, text, _, _ = self._scenario()
        requirement = self.choose(self.base.all("requirement"))
        title = f"Added {self.random.randrange(10**6)}"
        self.write(
            path, f"{text.rstrip()}\n\n  @{requirement}\n  Scenario: {title}\n    Given a chest film\n    Then it is analysed\n"
        )
        truth.items.add(f"TC:{path.removeprefix('verification/features/')}::{title}")

    def feature_comment(self, _truth):
        path, text, _, _ = self._scenario()
        self.write(path, f"{text.rstrip()}\n\n# a remark\n")

    def _scenario(self):
        path = self.choose(p.relative_to(self.root).as_posix() for p in (self.root / "verification/features").rglob("*.feature"))
        text = self.read(path)
        rows = list(re.finditer(r"^ +@.*\n +Scenario(?: Outline)?: (.*)\n(?:(?! +@).*\n?)*", text, re.MULTILINE))
        row = rows[self.random.randrange(len(rows))]
        return path, text, f"TC:{path.removeprefix('verification/features/')}::{row[1].strip()}", row[0]

    def step_function(self, truth):
        """Add a statement to a function that some scenario runs."""
        functions = [(module, name) for module, name in self.uses.functions() if self._node(module, name) is not None]
        module, name = functions[self.random.randrange(len(functions))]
        path, node = self._path(module), self._node(module, name)
        lines = self.read(path).split("\n")
        last = node.body[-1]
        indent = " " * last.col_offset
        lines.insert(
            last.lineno - 1 - len(getattr(last, "decorator_list", ())), f"{indent}assert {self.random.randrange(1, 10**6)}"
        )
        self.write(path, "\n".join(lines))
        ast.parse(self.read(path))
        truth.scenarios |= self.uses.of(module, name)

    def step_comment(self, _truth):
        path = self.choose(self._path(module) for module in self.uses.modules)
        self.write(path, self.read(path) + "\n# a remark\n")

    def step_unused(self, _truth):
        """Add a function that no scenario runs."""
        path = self.choose(self._path(module) for module in self.uses.modules)
        self.write(path, self.read(path) + f"\n\ndef _never_run_{self.random.randrange(10**6)}():\n    return 1\n")

    def _path(self, module):
        return f"{module.replace('.', '/')}.py"

    def _node(self, module, name):
        body = ast.parse(self.read(self._path(module))).body
        return next((each for each in body if isinstance(each, ast.FunctionDef) and each.name == name), None)

    def page(self, truth):
        name = self.choose(self.base.all("section"))
        self.write(f"docs/{name}.md", self.read(f"docs/{name}.md") + "\nOne sentence more.\n")
        truth.items.add(name)

    def threshold(self, truth):
        """Change one threshold of one endpoint."""
        name = "validation/protocol.toml"
        text = self.read(name)
        rows = list(re.finditer(r'^id = "([^"]+)"\n(?:(?!\[\[).*\n)*?threshold = ([0-9.]+)', text, re.MULTILINE))
        row = rows[self.random.randrange(len(rows))]
        self.write(name, text[: row.start(2)] + f"{float(row[2]) / 2 + 0.001:.4f}" + text[row.end(2) :])
        truth.items.add(f"VE:{row[1]}")

    def figures(self, truth):
        path = self.choose(p.relative_to(self.root).as_posix() for p in (self.root / "validation").rglob("*.py"))
        self.write(path, self.read(path) + "\nEDITED = 1\n")
        truth.items |= self.base.all("endpoint")

    def training(self, truth):
        path = self.choose(
            p.relative_to(self.root).as_posix()
            for folder in ("phantom", "pipeline/training")
            for p in (self.root / folder).rglob("*.py")
        )
        self.write(path, self.read(path) + "\nEDITED = 1\n")
        truth.model = True

    def fault_text(self, truth):
        truth.items.add(self.change_text("verification/faults/faults.toml", "fault", "would_fail_if"))

    def fault_code(self, truth):
        """Change a file that holds defects of one kind."""
        rows = tomllib.loads(self.read("verification/faults/faults.toml"))["fault"]
        kind = self.choose({row["defect"].rsplit(".", 1)[0] for row in rows})
        path = f"verification/faults/{kind.replace('.', '/')}.py"
        self.write(path, self.read(path) + f"\nEDITED = {self.random.randrange(10**6)}\n")
        truth.items |= {row["id"] for row in rows if row["defect"].rsplit(".", 1)[0] == kind}

    def of_no_item(self, truth):
        path = self.choose(
            (
                "README.md",
                "tests/risk/test_loader.py",
                "pipeline/cli.py",
                "docs/adr/index.md",
                "verification/trace/gate.py",
                "docs/conf.py",
            )
        )
        self.write(path, self.read(path) + "\n# edited\n")
        truth.loose.add(path)

    def ledger(self, _truth):
        name = self.choose((f"{SPECIFICATION}/changes.toml", f"{RISK}/changes.toml"))
        self.write(name, self.read(name) + "\n# a remark\n")

    def data_comment(self, _truth):
        name = self.choose(
            (f"{SPECIFICATION}/user_needs.toml", f"{RISK}/controls.toml", f"{RISK}/hazards.toml", f"{SPECIFICATION}/soup.toml")
        )
        self.write(name, "# a remark\n" + self.read(name))


EDITS = (
    "need_text",
    "requirement_text",
    "requirement_link",
    "requirement_removed",
    "control_text",
    "control_link",
    "hazard_text",
    "situation_text",
    "situation_level",
    "policy_text",
    "item_purpose",
    "system_text",
    "soup_text",
    "soup_version",
    "tool_version",
    "module_code",
    "module_comment",
    "module_data",
    "scenario_step",
    "scenario_tag",
    "scenario_removed",
    "scenario_added",
    "feature_comment",
    "step_function",
    "step_comment",
    "step_unused",
    "page",
    "threshold",
    "figures",
    "training",
    "fault_text",
    "fault_code",
    "of_no_item",
    "ledger",
    "data_comment",
)
"""Every kind of edit, by the name of its method."""


def touched(oracle, truth):
    """Return the ids of everything the edits of a trial touch in one state."""
    found = set(truth.items).union(*(oracle.affected(name) for name in truth.items))
    found |= set().union(*(oracle.affected(name) for name in truth.scenarios))
    if truth.policy:
        found |= oracle.policy()
    if truth.model:
        found |= oracle.model()
    if truth.system:
        found |= {"SWS-THORATRACE", "architecture", "device-description"} | oracle.all("software item")
    return found | truth.loose


def trial(bench, number, seed, names=None):
    """Make the edits of one trial, compare, put everything back, and return what came of it."""
    bench.random.seed(f"{seed}:{number}")
    truth, names = Truth(), names or [bench.random.choice(EDITS) for _ in range(bench.random.randint(1, 3))]
    try:
        for name in names:
            getattr(bench, name)(truth)
        start, busy = time.perf_counter(), time.process_time()
        result = revisions.compare(bench.root, revisions.Range(bench.commit, None))
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        after = bench._state()
    finally:
        bench.restore()
    true = touched(bench.base, truth) | touched(after, truth)
    found = {each.id for each in (*result.changed, *result.suspects)} | set(result.loose)
    rerun = {each for each in true if each in after.kinds and after.kinds[each] == "scenario"}
    return {
        "trial": number,
        "edits": names,
        "true": len(true),
        "found": len(found & true),
        "missed": sorted(true - found),
        "extra": sorted(found - true),
        "rerun_missed": sorted(rerun - set(result.rerun) - {each.id for each in result.changed if each.how == "removed"}),
        "unread": list(result.unread),
        "seconds": round(seconds, 3),
        "cpu_seconds": round(busy, 3),
    }


def summary(rows, n, seed):
    """Return the figures of a study."""
    found, missed, extra = (
        sum(sizes) for sizes in zip(*((row["found"], len(row["missed"]), len(row["extra"])) for row in rows), strict=True)
    )
    seconds = [row["seconds"] for row in rows]
    kinds = sorted({name for row in rows for name in row["edits"]})
    return {
        "schema": "thoratrace/impact-study/1",
        "n": n,
        "seed": seed,
        "edits": sum(len(row["edits"]) for row in rows),
        "kinds_of_edit": kinds,
        "truly_affected": found + missed,
        "recall": found / (found + missed),
        "precision": found / (found + extra),
        "trials_with_a_miss": sum(bool(row["missed"] or row["rerun_missed"]) for row in rows),
        "trials_exact": sum(not row["missed"] and not row["extra"] for row in rows),
        "unread": sum(bool(row["unread"]) for row in rows),
        "seconds_max": max(seconds),
        "seconds_median": statistics.median(seconds),
        "calls_over_5_seconds": sum(each > 5 for each in seconds),
        "cpu_seconds_max": max(row["cpu_seconds"] for row in rows),
        "extra_by_edit": {name: sum(len(row["extra"]) for row in rows if name in row["edits"]) for name in kinds},
    }


def study(n, seed, kept):
    """Run the trials that are not kept yet, and return all."""
    rows = {row["trial"]: row for row in map(json.loads, kept.read_text().splitlines())} if kept.exists() else {}
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, kept.open("a") as stream:
        bench = Bench(Path(folder), random.Random())
        for number in range(n):
            if number not in rows:
                rows[number] = trial(bench, number, seed)
                stream.write(json.dumps(rows[number]) + "\n")
                stream.flush()
            sys.stderr.write(f"\r{number + 1}/{n} ")
    return [rows[number] for number in range(n)]


def main():
    """Run the study and keep its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    kept = ROOT / f"{KEPT}.{options.seed}"
    figures = summary(study(options.n, options.seed, kept), options.n, options.seed)
    figures |= {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "load_at_the_end": round(os.getloadavg()[0], 1),
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    if options.out:
        write_json(options.out, figures)


if __name__ == "__main__":
    main()
