"""The environment: made offline by hash, and every file of it compared with the wheels before each use."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from pipeline.release.wheelhouse import installation
from pipeline.release.wheelhouse.installation import PACKAGES, compare, prepare
from pipeline.release.wheelhouse.wheelhouse import WheelhouseUnfit
from tests.pipeline.release.wheels import pin, quiet, source_archive, wheel

LOCK = "5" * 64


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A wheelhouse and the environment made of it: two wheels that share a file, scripts, data, one file RECORD leaves out."""
    place = tmp_path_factory.mktemp("made")
    house = place / "house"
    house.mkdir()
    wheel(
        house,
        "one",
        files={"shared/__init__.py": b"", "one-1.0.data/scripts/tool": b"\x7fELF", "one-1.0.data/data/share/a.txt": b"a"},
    )
    wheel(
        house,
        "two",
        files={
            "shared/__init__.py": b"#\n",
            "two-1.0.data/scripts/old": b"#!python\nprint()\n",
            "two-1.0.dist-info/entry_points.txt": b"[console_scripts]\nstart = two:main\n",
        },
        listed=False,
    )
    pins = [pin(path) for path in sorted(house.iterdir())]
    return place, pins, prepare(place / "env", house, pins, LOCK, quiet)


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the environment, and the archives it was made from."""
    place, _, environment = made
    folder = tmp_path / "env"
    shutil.copytree(environment.folder, folder, symlinks=True)
    return folder, sorted((place / "house").iterdir())


def test_what_is_installed_works_and_was_compared(made):
    _, _, environment = made
    done = subprocess.run(
        [environment.python, "-I", "-B", "-c", "import one, two; print(one.NAME, two.NAME)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "one two\n"
    assert environment.files == 10
    assert (environment.folder / "share" / "a.txt").read_bytes() == b"a"


def test_nothing_starts_but_the_interpreter_and_files_of_wheels(made):
    names = {path.name for path in (made[2].folder / "bin").iterdir() if not path.is_symlink()}
    assert names == {"tool"}


def test_a_second_use_compares_and_does_not_install(made, monkeypatch):
    place, pins, environment = made
    monkeypatch.setattr(installation, "install", lambda *_: pytest.fail("installed again"))
    assert prepare(environment.folder, place / "house", pins, LOCK, quiet) == environment


def test_another_lock_makes_it_again(made, monkeypatch):
    place, pins, environment = made
    made_again = []
    monkeypatch.setattr(installation, "install", lambda folder, *_: made_again.append(folder))
    shutil.copytree(environment.folder, place / "other", symlinks=True)
    prepare(place / "other", place / "house", pins, "6" * 64, quiet)
    assert made_again == [place / "other"]


ALTERED = {
    "a flipped byte": (f"{PACKAGES}/one.py", lambda path: path.write_bytes(b"NAME = 'onf'\n"), "ENV-ALTERED"),
    "a file taken away": (f"{PACKAGES}/two.py", lambda path: path.unlink(), "ENV-MISSING"),
    "a path file": (f"{PACKAGES}/evil.pth", lambda path: path.write_bytes(b"import os\n"), "ENV-EXTRA"),
    "a sitecustomize": (f"{PACKAGES}/sitecustomize.py", lambda path: path.write_bytes(b""), "ENV-EXTRA"),
    "compiled code": (f"{PACKAGES}/__pycache__/one.cpython-311.pyc", lambda path: path.write_bytes(b"x"), "ENV-EXTRA"),
    "an entry point": (
        f"{PACKAGES}/one-1.0.dist-info/entry_points.txt",
        lambda path: path.write_bytes(b"[pytest11]\n"),
        "ENV-EXTRA",
    ),
    "a file outside the packages": ("lib/evil.so", lambda path: path.write_bytes(b"x"), "ENV-EXTRA"),
    "a start script": ("bin/pip", lambda path: path.write_bytes(b"x"), "ENV-EXTRA"),
    "a program in the interpreter's place": ("bin/python3", lambda path: (path.unlink(), path.write_bytes(b"x")), "ENV-ALTERED"),
    "a link in a file's place": (f"{PACKAGES}/one.py", lambda path: (path.unlink(), path.symlink_to("two.py")), "ENV-ALTERED"),
    "system packages let in": (
        "pyvenv.cfg",
        lambda path: path.write_text(path.read_text().replace("false", "true")),
        "ENV-ALTERED",
    ),
}


@pytest.mark.parametrize("harm", ALTERED)
def test_a_changed_environment_is_found(copy, harm):
    folder, archives = copy
    name, change, code = ALTERED[harm]
    (folder / name).parent.mkdir(exist_ok=True)
    change(folder / name)
    with pytest.raises(WheelhouseUnfit, match=f"{code} at environment {name}"):
        compare(folder, archives, quiet)


def test_an_unchanged_copy_passes(copy):
    assert compare(*copy, quiet) == 10


def test_of_a_source_archive_every_installed_file_is_one_of_it(copy, tmp_path):
    folder, archives = copy
    archive = source_archive(tmp_path, "three")
    (folder / PACKAGES / "three.py").write_text("VALUE = 1\n", encoding="utf-8")
    (folder / PACKAGES / "three-2.0.dist-info").mkdir()
    (folder / PACKAGES / "three-2.0.dist-info" / "METADATA").write_text("Name: three\n", encoding="utf-8")
    assert compare(folder, [*archives, archive], quiet) == 12
    (folder / PACKAGES / "three.py").write_text("VALUE = 2\n", encoding="utf-8")
    with pytest.raises(WheelhouseUnfit, match=r"ENV-EXTRA at environment .*three\.py"):
        compare(folder, [*archives, archive], quiet)
