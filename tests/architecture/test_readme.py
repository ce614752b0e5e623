"""The README is kept true: its commands exist (and those of every page for people), its paths exist, and the status is said before anything else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from device_sw.launcher import numeric_environment

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MADE_BY_RUNS = ("artifacts/", ".venv")
"""Places the README names that exist only after a run."""


def help_of(module, *arguments):
    environment = {
        **numeric_environment(),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }
    command = [sys.executable, "-m", module, *arguments, "--help"]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def commands_named(prefix):
    """Return the commands that the README and every page written for people name."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return sorted(
        {name for page in pages for name in re.findall(rf"{re.escape(prefix)} ([a-z][a-z-]*)", page.read_text(encoding="utf-8"))}
    )


def paths_named():
    """Return what the README puts in backticks or in the map and that looks like a path."""
    quoted = re.findall(r"`([A-Za-z_.][\w.-]*(?:/[\w.-]*)*)`", TEXT)
    house = re.search(r"## Map of the house\n\n```\n(.*?)```", TEXT, re.DOTALL)[1]
    listed = [line.split()[0] for line in house.splitlines()]
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
    return sorted({name for name in quoted if "/" in name or "." in name[1:]} | set(listed) | set(pictures))


@pytest.mark.parametrize("command", commands_named("./qms"))
def test_each_qms_command_exists(command):
    help_of("pipeline.cli", command)


@pytest.mark.parametrize("command", commands_named("thoratrace"))
def test_each_device_command_exists(command):
    help_of("device_sw", command)


def test_both_command_lines_are_named():
    assert {"demo", "test"} <= set(commands_named("./qms"))
    assert {"analyse", "info", "self-test"} <= set(commands_named("thoratrace"))


def options_named():
    """Return each command of `./qms` with each option that the README gives it."""
    calls = re.findall(r"`(?:\./)?qms ([a-z-]+)((?: [a-z]+(?= (?:[A-Z0-9.]+ )*--))?)([^`]*)`", TEXT)
    return sorted({(name, group.strip(), option) for name, group, rest in calls for option in re.findall(r"--[a-z-]+", rest)})


@pytest.mark.parametrize(("command", "group", "option"), options_named())
def test_each_option_of_a_command_exists(command, group, option):
    assert option in help_of("pipeline.cli", *(part for part in (command, group) if part))


@pytest.mark.parametrize("name", paths_named())
def test_each_path_exists(name):
    assert name.startswith(MADE_BY_RUNS) or (ROOT / name).exists()


def test_the_map_names_every_package_and_folder():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"docs", "tests"}
    assert {name for name in folders if f"\n{name}/" not in TEXT} == set()


def test_the_first_lines_say_what_it_is_not():
    head = TEXT.split("## ", 1)[0]
    for statement in ("not cleared", "not for clinical use", "never stand-alone, never triage", "phantom results"):
        assert statement in head


def test_every_block_of_output_is_filled():
    blocks = re.findall(r"<!-- output: (\w+) -->\n(.*?)<!-- end of output -->", TEXT, re.DOTALL)
    assert [name for name, _ in blocks] == ["demo", "test"]
    assert [name for name, content in blocks if not content.strip()] == []


def shown(name):
    """Return the cells of an output block that is a table, each column's lines joined."""
    block = re.search(rf"<!-- output: {name} -->\n(.*?)<!-- end of output -->", TEXT, re.DOTALL)[1]
    rows = [line.split("│")[1:-1] for line in block.splitlines() if line.startswith("│")]
    return [" ".join(" ".join(cells).split()) for cells in zip(*rows, strict=True)]


def todays(path):
    if not (ROOT / "artifacts" / path).is_file():
        pytest.skip("no finished run here (./qms demo makes it)")
    return json.loads((ROOT / "artifacts" / path).read_text(encoding="utf-8"))


@pytest.mark.needs_run
def test_the_demo_that_is_shown_has_the_scenario_rows_of_todays_run():
    counts = todays("verification/verdicts.json")["counts"]
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    assert f"scenario rows: {said}" in shown("demo")[2]


def trained(lock):
    """Return the hash of what the training stage made, by a lock file."""
    return yaml.safe_load(lock)["stages"]["train"]["outs"][0]["md5"]


@pytest.mark.needs_run
def test_the_demo_that_is_shown_has_the_figures_of_todays_run():
    committed = subprocess.run(["git", "show", "HEAD:dvc.lock"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if trained(committed) != trained((ROOT / "dvc.lock").read_text(encoding="utf-8")):
        pytest.skip("this machine trained other weights than the committed lock names (docs/adr/0043-one-instruction-set.md)")
    for endpoint in todays("validation/validation.json")["endpoints"]:
        between = endpoint["interval"]
        figure = f"{endpoint['id']} {endpoint['value']:.3f} [{between['low']:.3f}, {between['high']:.3f}] (goal {endpoint['threshold']})"
        assert figure in shown("demo")[2]


def test_the_demo_that_is_shown_is_good_in_every_part():
    assert set(shown("demo")[1].split()) == {"good"}
