"""The wheelhouse: only files whose hash the lock lists, and fetching goes on where it stopped. The installer is the real one, its packages lie in a folder."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from pipeline.release.wheelhouse.fetch import fetch
from pipeline.release.wheelhouse.wheelhouse import PARTIAL, WheelhouseUnfit, survey
from tests.pipeline.release.wheels import pin, quiet, wheel


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder in which the installer finds packages, in the place of an index."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_what_is_missing_is_fetched_and_what_is_there_stays(shop, tmp_path):
    house = tmp_path / "house"
    house.mkdir()
    first, second = pin(wheel(house, "one")), pin(wheel(shop, "two"))
    before = (house / "one-1.0-py3-none-any.whl").stat().st_mtime_ns
    files = fetch(house, [first, second], quiet)
    assert {each.name: path.name for each, path in files.items()} == {
        "one": "one-1.0-py3-none-any.whl",
        "two": "two-1.0-py3-none-any.whl",
    }
    assert (house / "one-1.0-py3-none-any.whl").stat().st_mtime_ns == before
    assert not (house / PARTIAL).exists()


def test_a_download_that_died_is_begun_again(shop, tmp_path):
    house = tmp_path / "house"
    (house / PARTIAL).mkdir(parents=True)
    (house / PARTIAL / "half.whl").write_bytes(b"half")
    assert len(fetch(house, [pin(wheel(shop, "one"))], quiet)) == 1
    assert [path.name for path in house.iterdir()] == ["one-1.0-py3-none-any.whl"]


def test_another_file_of_the_same_name_and_version_is_not_fetched(shop, tmp_path):
    locked = pin(wheel(shop, "one"))
    wheel(shop, "one", files={"evil.py": b"print()"})
    with pytest.raises(WheelhouseUnfit, match=r"WHL-DOWNLOAD at one: found the installer ended with 1: .*hash"):
        fetch(tmp_path / "house", [locked], quiet)
    assert survey(tmp_path / "house", [locked]).files == {}


@pytest.mark.parametrize("name", ["sitecustomize.py", "one-1.1-py3-none-any.whl", "notes"])
def test_a_file_that_no_pin_knows_stops_everything(tmp_path, name):
    locked = pin(wheel(tmp_path, "one"))
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(WheelhouseUnfit, match=rf"WHL-FOREIGN at wheelhouse: found {name} \(1 in all\)"):
        fetch(tmp_path, [locked], quiet)


def test_a_file_with_a_flipped_byte_is_foreign_and_its_pin_has_none(tmp_path):
    path = wheel(tmp_path, "one")
    locked = pin(path)
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    found = survey(tmp_path, [locked])
    assert (found.foreign, found.missing) == ((path.name,), (locked,))


def test_a_link_is_foreign(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "house").mkdir()
    path = wheel(tmp_path / "elsewhere", "one")
    (tmp_path / "house" / path.name).symlink_to(path)
    assert survey(tmp_path / "house", [pin(path)]).foreign == (path.name,)


def test_a_missing_file_names_the_command(tmp_path):
    locked = replace(pin(wheel(tmp_path, "one")), name="two")
    (tmp_path / "one-1.0-py3-none-any.whl").unlink()
    with pytest.raises(
        WheelhouseUnfit, match=r"WHL-MISSING .*no file for two 1\.0 .*Repair: \./qms release fetch VERSION, while online"
    ):
        survey(tmp_path, [locked]).require_whole()
