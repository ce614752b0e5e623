"""The commands' exit codes and messages: wrong input gives one clear line, never a traceback."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from pipeline.cli import app

runner = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["pipeline", "--profile", "mri", "--budget", "quick"],
            2,
            "RUN-PROFILE at --profile: found mri, expected phantom or coco",
        ),
        (
            ["pipeline", "--profile", "phantom", "--budget", "huge"],
            2,
            "RUN-BUDGET at --budget: found huge, expected quick or release",
        ),
        (["pipeline", "--profile", "coco", "--budget", "quick"], 3, "DATA-MISSING at --data: found no --data"),
        (["check", "--level", "none"], 2, "found 'none', expected one of"),
    ],
)
def test_wrong_input_is_one_clear_line_and_its_exit_code(arguments, code, said):
    done = runner.invoke(app, arguments)
    assert done.exit_code == code
    assert said in " ".join(done.output.replace("│", " ").split())
    assert "Traceback" not in done.output


def test_help_names_every_command():
    text = runner.invoke(app, ["--help"]).output
    assert all(name in text for name in ("demo", "test", "check", "matrix", "technical-file", "pipeline"))
