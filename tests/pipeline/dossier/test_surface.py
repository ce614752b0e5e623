"""What code touches outside of memory is found by its calls, and nothing is found where there is nothing."""

import pytest

from pipeline.dossier.surface import touches


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("path.read_bytes()", {"reads"}),
        ("path.open()", {"reads"}),
        ("path.open('rb')", {"reads"}),
        ("path.open('ab+', buffering=0)", {"writes"}),
        ("open('x')", {"reads"}),
        ("open('x', 'w')", {"writes"}),
        ("import os\nos.open(p, os.O_WRONLY | os.O_CREAT)", {"writes"}),
        ("import os\nos.open(p, os.O_RDONLY)", {"reads"}),
        ("sealed.open(content)", set()),
        ("files('device_sw').joinpath('x').read_text()", set()),
        ("import os\nos.environ['A']", {"environment"}),
        ("import subprocess", {"process"}),
        ("from urllib.request import urlopen", {"network"}),
        ("import ray", {"network"}),
        ("import sys\nsys.stdin.read()", {"streams"}),
        ("typer.echo('x')", {"streams"}),
        ("'a b'.replace('a', 'b')", set()),
    ],
)
def test_kinds(tmp_path, code, kinds):
    (tmp_path / "part.py").write_text(code + "\n", encoding="utf-8")
    assert {touch.kind for touch in touches(tmp_path, ["part"])} == kinds


def test_a_package_counts_with_all_its_modules_and_places_are_lines(tmp_path):
    (tmp_path / "part/deep").mkdir(parents=True)
    (tmp_path / "part/__init__.py").touch()
    (tmp_path / "part/deep/one.py").write_text("\n\npath.unlink()\n", encoding="utf-8")
    assert [touch.where for touch in touches(tmp_path, ["part"])] == ["part/deep/one.py:3"]
