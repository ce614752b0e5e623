"""The sandbox: the cut of the network is proved before anything starts, and nothing of the caller but what is named comes in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pipeline.release.reproduction import guard, sandbox
from pipeline.release.reproduction.sandbox import Sandbox, why_not

PYTHON = Path(sys.executable)

needs_namespaces = pytest.mark.skipif(why_not(PYTHON) != "", reason=f"this machine cuts no network: {why_not(PYTHON)}")


@pytest.fixture
def box(tmp_path):
    (tmp_path / "checkout").mkdir()
    return Sandbox(PYTHON, tmp_path / "checkout", tmp_path / "scratch")


@needs_namespaces
def test_inside_no_address_can_be_reached_but_the_own_one(box):
    seen = box.checkout / "seen.json"
    code = f"""
import json, socket
from pathlib import Path
def tried(address):
    with socket.socket() as one:
        try:
            one.connect(address)
        except OSError as err:
            return err.errno
with socket.socket() as server:
    server.bind(("127.0.0.1", 0)); server.listen()
    found = [tried(("198.51.100.1", 80)), tried(server.getsockname())]
Path({str(seen)!r}).write_text(json.dumps(found))
"""
    assert box.run(["-c", code]) == 0
    assert json.loads(seen.read_text(encoding="utf-8")) == [101, None], "ENETUNREACH outside, a connection inside"


@needs_namespaces
@pytest.mark.parametrize("depth", [1, 12])
def test_ray_finds_room_for_the_addresses_of_its_sockets_however_deep_the_folder_lies(tmp_path, depth):
    checkout, seen = tmp_path / "checkout", tmp_path / "seen"
    checkout.mkdir()
    deep = Sandbox(PYTHON, checkout, tmp_path.joinpath(*["a-folder-below"] * depth))
    names = "ray/session_2026-11-22_22-46-46_511511_4194304/sockets/plasma_store"
    code = f"""
import os, pathlib, socket, tempfile
place = pathlib.Path(tempfile.gettempdir(), {names!r})
place.parent.mkdir(parents=True)
with socket.socket(socket.AF_UNIX) as server:
    server.bind(str(place))
pathlib.Path({str(seen)!r}).write_text(tempfile.gettempdir())
"""
    assert deep.run(["-c", code]) == 0
    used = Path(seen.read_text(encoding="utf-8"))
    assert used.is_relative_to(deep.scratch) or not used.exists(), "a folder outside is removed"


def test_where_the_network_is_not_cut_nothing_is_started(box, monkeypatch, tmp_path):
    if not guard.ways_out():
        pytest.skip("this machine has no network to be cut")
    monkeypatch.setattr(sandbox, "cut", list)
    assert box.run(["-c", f"open({str(tmp_path / 'started')!r}, 'w')"]) == guard.NOT_CUT
    assert not (tmp_path / "started").exists()
    assert "REP-NETWORK at guard: found the interface" in why_not(PYTHON)


def test_a_machine_without_namespaces_says_so(monkeypatch):
    monkeypatch.setattr(sandbox, "cut", lambda: ["unshare", "--no-such-option"])
    assert "no-such-option" in why_not(PYTHON) or "unshare" in why_not(PYTHON)
    monkeypatch.setenv("PATH", "")
    assert why_not(PYTHON) == "no unshare (util-linux) on this machine"


def test_only_named_variables_come_in(box, monkeypatch):
    for name in ("SECRET", "PYTHONSTARTUP", "LD_PRELOAD", "DVC_CACHE_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "x")
    for name, value in (("TZ", "Asia/Taipei"), ("LC_ALL", "C"), ("PYTHONHASHSEED", "7")):
        monkeypatch.setenv(name, value)
    found = box.environment(box.scratch)
    assert {found["TZ"], found["LC_ALL"], found["PYTHONHASHSEED"]} == {"Asia/Taipei", "C", "7"}
    assert found.keys() & {"SECRET", "PYTHONSTARTUP", "LD_PRELOAD", "DVC_CACHE_DIR", "MLFLOW_TRACKING_URI"} == set()
    assert found["HOME"].startswith(str(box.scratch))
