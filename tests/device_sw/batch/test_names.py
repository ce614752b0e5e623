"""The local index: no name is lost with a run that died, and what cannot be read stops nothing."""

import json

import pytest

from device_sw.batch.names import LocalIndex


def test_names_of_a_run_that_died_are_found_again(tmp_path):
    LocalIndex(tmp_path).take(1, tmp_path / "a.dcm", "aa")
    with (tmp_path / ".index.jsonl").open("a") as journal:
        journal.write('{"index": 2, "pa')
    index = LocalIndex(tmp_path)
    index.take(2, tmp_path / "b.dcm", None)
    told = LocalIndex(tmp_path).whole(recorded=2)
    assert told["inputs"] == [
        {"index": 1, "path": str(tmp_path / "a.dcm"), "content_sha256": "aa"},
        {"index": 2, "path": str(tmp_path / "b.dcm"), "content_sha256": None},
    ]


def test_an_input_that_was_never_recorded_is_left_out_and_its_number_goes_to_the_next(tmp_path):
    LocalIndex(tmp_path).take(1, tmp_path / "a.dcm", "aa")
    assert LocalIndex(tmp_path).whole(recorded=0)["inputs"] == []
    LocalIndex(tmp_path).take(1, tmp_path / "b.dcm", "bb")
    assert [entry["path"] for entry in LocalIndex(tmp_path).whole(recorded=1)["inputs"]] == [str(tmp_path / "b.dcm")]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"inputs": 3}', '{"inputs": [{"path": "x"}]}'])
def test_an_index_that_cannot_be_read_is_begun_anew(tmp_path, content):
    (tmp_path / "index.json").write_text(content)
    (tmp_path / ".index.jsonl").write_text(content)
    assert LocalIndex(tmp_path).whole(recorded=9)["inputs"] == []


def test_the_journal_goes_when_its_names_stand_in_the_index(tmp_path):
    index = LocalIndex(tmp_path)
    index.take(1, tmp_path / "a.dcm", "aa")
    (tmp_path / "index.json").write_text(json.dumps(index.whole(recorded=1)))
    index.settle()
    index.settle()
    assert not (tmp_path / ".index.jsonl").exists()
    assert len(LocalIndex(tmp_path).whole(recorded=1)["inputs"]) == 1
