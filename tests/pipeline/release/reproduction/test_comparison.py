"""The comparison with a record: every byte counts, but for the few values that say when and by whom."""

from __future__ import annotations

import json

import pytest

from pipeline.release.record.folder import ReleaseFolder
from pipeline.release.record.record import Subject
from pipeline.release.reproduction.comparison import compare
from tests.pipeline.release.records import record
from tests.pipeline.release.wheels import sha256

VERDICTS = {"identity": {"commit": "a", "sha256": "b"}, "verdicts": []}


def text(value):
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


PARTS = {
    "archive/technical_file/html/index.html": b"<p>\n",
    "archive/verification/junit.xml": b"<t time='1'/>",
    "bundle/weights.safetensors": b"w",
    "files/validation.json": text({"ap50": 0.7}),
    "files/verification.json": text(VERDICTS),
}


@pytest.fixture
def folders(tmp_path):
    """A release folder and an equal one that was made again."""
    made = []
    for name in ("recorded", "made"):
        folder = ReleaseFolder(tmp_path / name, tmp_path / name)
        for part, content in PARTS.items():
            folder.place(part).parent.mkdir(parents=True, exist_ok=True)
            folder.place(part).write_bytes(content)
        made.append(folder)
    subjects = tuple(Subject(name, sha256(content), len(content)) for name, content in sorted(PARTS.items()))
    return record(subjects=subjects), *made


def test_equal_parts_pass_and_the_raw_record_is_not_asked(folders):
    release, recorded, made = folders
    made.place("archive/verification/junit.xml").write_bytes(b"<t time='2'/>")
    found = compare(release, recorded, made)
    assert found
    assert len(found.equal) == 4
    assert found.not_compared == {"archive/verification/junit.xml": "the runner's raw record holds times"}


def test_the_earliest_part_is_named_first(folders):
    release, recorded, made = folders
    made.place("archive/technical_file/html/index.html").write_bytes(b"<q>\n")
    made.place("files/validation.json").write_bytes(text({"ap50": 0.6}))
    found = compare(release, recorded, made)
    assert not found
    assert [str(each) for each in found.divergences] == [
        "validate: files/validation.json at /ap50: recorded 0.7, reproduced 0.6",
        "technical file: archive/technical_file/html/index.html at line 1: recorded <p>, reproduced <q>",
    ]


def test_the_commit_of_the_verdicts_is_not_compared_and_everything_else_is(folders):
    release, recorded, made = folders
    place = made.place("files/verification.json")
    place.write_bytes(text({**VERDICTS, "identity": {"commit": "z", "sha256": "b"}}))
    assert compare(release, recorded, made)
    place.write_bytes(text({**VERDICTS, "identity": {"commit": "z", "sha256": "c"}}))
    assert compare(release, recorded, made).divergences[0].where == "/identity/sha256"
    place.write_bytes(json.dumps(VERDICTS).encode())
    assert compare(release, recorded, made).divergences[0].where == "the form of the text"


def test_another_processor_of_the_same_class_does_not_count_and_another_library_does(folders, tmp_path):
    _, recorded, made = folders
    name, there = "files/environment.json", {"libraries": {"a": "1"}, "numeric_class": "c", "processor": {"name": "one"}}
    release = record(subjects=(Subject(name, sha256(text(there)), len(text(there))),))
    recorded.place(name).write_bytes(text(there))
    for part in PARTS:
        made.place(part).unlink()
    made.place(name).write_bytes(text({**there, "processor": {"name": "another", "cache": "2"}}))
    assert compare(release, recorded, made)
    made.place(name).write_bytes(text({**there, "libraries": {"a": "2"}}))
    assert compare(release, recorded, made).divergences[0].where == "/libraries/a"


def test_a_part_that_was_not_made_and_one_that_nobody_recorded(folders):
    release, recorded, made = folders
    made.place("files/validation.json").unlink()
    made.place("files/new.json").write_bytes(b"{}")
    found = compare(release, recorded, made)
    assert [(each.name, each.recorded, each.reproduced) for each in found.divergences] == [
        ("files/validation.json", f"{len(PARTS['files/validation.json'])} bytes", "nothing"),
        ("files/new.json", "nothing", "a part"),
    ]


def test_a_part_that_is_never_compared_may_be_there_or_not(folders):
    release, recorded, made = folders
    made.place("files/registry.json").write_bytes(b"{}")
    assert compare(release, recorded, made)


def test_where_the_recorded_bytes_are_not_here_the_hash_still_decides(folders):
    release, recorded, made = folders
    recorded.place("files/validation.json").unlink()
    assert compare(release, recorded, made)
    made.place("files/validation.json").write_bytes(b"{}")
    assert compare(release, recorded, made).divergences[0].where.startswith("SHA-256 (the recorded bytes are not here")


def test_a_release_folder_that_was_altered_alike_does_not_help(folders):
    release, recorded, made = folders
    for folder in (recorded, made):
        folder.place("files/validation.json").write_bytes(text({"ap50": 0.99}))
    assert [each.name for each in compare(release, recorded, made).divergences] == ["files/validation.json"]


def test_what_a_level_takes_from_the_release_proves_nothing(folders):
    release, recorded, made = folders
    found = compare(release, recorded, made, ("bundle/",))
    assert "bundle/weights.safetensors" in found.not_compared
    assert "bundle/weights.safetensors" not in found.equal


def test_nothing_compared_is_no_pass(folders):
    release, recorded, made = folders
    assert not compare(release, recorded, made, tuple(PARTS))
