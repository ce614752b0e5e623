"""The tutorial is executed as it is printed: commands, files and output are taken from docs/tutorial.md and run in a clone of the project.

Of `./qms demo` the clone executes the verification, and of that the scenarios that the page wrote: model, figures and what came of every other
scenario are those of the last run, which the clone borrows. That everything together is executed and judged, the last run itself shows.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/tutorial.md"
BLOCK = re.compile(
    r"^```\{code-block\} (?P<language>\w+)\n(?P<options>(?::\w+: [^\n]*\n)*)(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
VERIFY = """
from pathlib import Path
from xml.etree import ElementTree
from pipeline import verification_run
from verification.trace.evidence import JUNIT

last, command, execute = ElementTree.parse(JUNIT), verification_run.command, verification_run._execute
there = {case.get("name") for case in last.iter("testcase")}


def written_since():
    return ["verification/test_features.py::TEST" if word == "verification" else word for word in command()]


def added(*arguments):
    code = execute(*arguments)
    now = ElementTree.parse(JUNIT)
    new = {case.get("name") for case in now.iter("testcase")}
    assert new and not new & there, f"executed {sorted(new)}"
    suite = next(now.iter("testsuite"))
    suite.extend(last.iter("testcase"))
    suite.set("tests", str(len(new) + len(there)))
    now.write(JUNIT, encoding="utf-8")
    return code


verification_run.command, verification_run._execute = written_since, added
raise SystemExit(0 if verification_run.run(Path(), lambda *_: None).passed else 1)
"""
"""What stands for `./qms demo`: its verification, with the scenario that the page wrote executed and added to the raw record of the last run."""

WRITTEN = "test_the_help_names_every_command"


def blocks():
    """Every named block of the page, in its order: name, language, file, text."""
    for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        options = dict(re.findall(r"^:(\w+): (.*)$", found["options"], re.MULTILINE))
        yield options["name"], found["language"], options.get("caption", ""), found["text"]


def commands(text):
    """The commands of a console block, each with the lines that are printed after it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.rstrip("\n").split("\n") if output.strip() else []


def plain(line):
    """A line without what may differ: numbers after a colon or in brackets, hashes, times."""
    line = re.sub(r"\b[0-9a-f]{12,64}\b", "#", line.rstrip())
    return re.sub(r":\d+\b", ":0", re.sub(r"\[\d+\]", "[0]", line))


def matches(wanted, printed):
    """Say whether the lines were printed in this order; a line of three dots stands for any lines, three dots in a line for any words."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(plain(line)).replace(r"\.\.\.", ".*") + r"\n" for line in wanted
    )
    return re.fullmatch(pattern, "".join(f"{plain(line)}\n" for line in printed)) is not None


class Clone:
    """A clone of the project that borrows environment and artifacts, and numbers its new requirement itself."""

    def __init__(self, root):
        self.root = root
        subprocess.run(["git", "clone", "-q", str(ROOT), str(root)], check=True)
        self._take_over_the_tree()
        (root / ".git/info/exclude").write_text(".venv\nartifacts\n")
        (root / ".venv").symlink_to(ROOT / ".venv")
        (root / "artifacts").mkdir()
        for path in (ROOT / "artifacts").iterdir():
            if path.name == "verification":
                shutil.copytree(path, root / "artifacts" / path.name)
            elif path.name not in {"trace", "technical_file", "technical_file_build"}:
                (root / "artifacts" / path.name).symlink_to(path)
        self.number = None

    def _take_over_the_tree(self):
        """Commit the working tree as it lies here: the evidence belongs to it, not to the last commit."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        kept = {name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()}
        for name in kept:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        tracked = (
            subprocess.run(["git", "ls-files", "-z"], cwd=self.root, capture_output=True, check=True).stdout.decode().split("\0")
        )
        for name in set(tracked) - kept - {""}:
            (self.root / name).unlink()
        identity = ["-c", "user.name=DEMO", "-c", "user.email=demo@example.invalid"]
        subprocess.run(["git", *identity, "add", "-A"], cwd=self.root, check=True)
        subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "as it lies here"], cwd=self.root, check=True)

    def own(self, text):
        """The page's text with the id that this clone's requirement has."""
        return text if self.number is None else text.replace("SRS-071", self.number)

    def execute(self, command):
        """Run one command and return what it printed."""
        environment = {**os.environ, "COLUMNS": "100", "PYTHONPATH": str(self.root)}
        arguments = (
            [str(self.root / ".venv/bin/python"), "-c", VERIFY.replace("TEST", WRITTEN)]
            if command == "./qms demo"
            else ["sh", "-c", self.own(command)]
        )
        done = subprocess.run(arguments, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        if command.startswith("./qms new requirement"):
            self.number = re.match(r"SRS-\d+", done.stdout)[0]
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done.stdout.rstrip("\n").split("\n") if done.stdout.strip() else []

    def write(self, name, text):
        """Put a block of the page into a file: in place of the item of the same id or name, else at its end."""
        path, text = self.root / name, self.own(text)
        before = path.read_text(encoding="utf-8")
        if name.endswith(".toml"):
            item = re.search(r'^id = "(.*)"', text, re.MULTILINE)[1]
            start = before.index(f'[[requirement]]\nid = "{item}"')
            path.write_text(before[:start] + text, encoding="utf-8")
        elif name.endswith(".feature"):
            start = before.index(text.split("\n", 1)[0])
            path.write_text(before[:start] + text, encoding="utf-8")
        else:
            path.write_text(f"{before}\n\n{text}", encoding="utf-8")


@pytest.mark.needs_run
def test_the_tutorial_does_what_it_says(tmp_path):
    clone = Clone(tmp_path / "clone")
    for name, language, file, text in blocks():
        if language != "console":
            clone.write(file, text)
            continue
        for command, wanted in commands(text):
            printed = clone.execute(command)
            expected = [clone.own(line) for line in wanted]
            assert matches(expected, printed), f"{name}: $ {command}\n" + "\n".join(printed)


def test_every_block_of_the_tutorial_is_executed():
    assert PAGE.read_text(encoding="utf-8").count("```{code-block}") == len(list(blocks()))
    assert "```console" not in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wanted", "printed", "same"),
    [
        (["a", "...", "b"], ["a", "b"], True),
        (["a", "...", "b"], ["a", "x", "y", "b"], True),
        (["a", "..."], ["b"], False),
        (["x.toml:3 one"], ["x.toml:99 one"], True),
        (["1 passed, ..."], ["1 passed, 170 deselected in 2.1s"], True),
        (["a"], ["a", "b"], False),
    ],
)
def test_output_is_compared_line_by_line(wanted, printed, same):
    assert matches(wanted, printed) is same
