"""The register says of each text whether it holds, and a citation leads to exactly one entry."""

import json
from pathlib import Path

import pytest

from pipeline.dossier.standards import ENDED, REGISTER, load_register
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]
ENTRY = {
    "id": "std",
    "short": "STD",
    "title": "Standard",
    "edition": "2019",
    "status": "in force",
    "date": "2019-12",
    "source": "shop",
    "read": "digest",
    "next_check": "2027-05-01",
    "cited": ["STD( 1)?"],
}


def load(tmp_path, *entries, kept=()):
    lines = ['schema = "thoratrace/standards/1"', 'checked = "2026-11-22"']
    for name, rows in (("standard", entries), ("kept", kept)):
        for row in rows:
            lines += [f"[[{name}]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / REGISTER).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_register(tmp_path)


def test_a_citation_has_to_fit_whole(tmp_path):
    register = load(tmp_path, ENTRY)
    assert register.entry("STD 1").id == "std"
    assert register.entry("STD 12") is None


def test_the_first_of_several_entries_decides(tmp_path):
    register = load(tmp_path, {**ENTRY, "id": "new", "cited": ["A 10"]}, {**ENTRY, "id": "old", "cited": [r"A \d+"]})
    assert [register.entry(text).id for text in ("A 10", "A 30")] == ["new", "old"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "superseded"}, "found ended without a successor"),
        ({"superseded_by": "STD 2"}, "found a successor of what has not ended"),
        ({"cited": ["STD("]}, r"found the pattern 'STD\(': missing \)"),
        ({"date": "12/2019"}, r"found SPC-VALUE \$\.standard\[0\]\.date: '12/2019'"),
    ],
)
def test_an_entry_that_does_not_hold_is_refused(tmp_path, changes, said):
    with pytest.raises(FileError, match=rf"FILE-DATA at docs/standards\.toml:3?\d* ?.*{said}"):
        load(tmp_path, {**ENTRY, **changes})


def test_an_exception_for_an_unknown_standard_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"FILE-DATA at docs/standards\.toml:\d+ a\.py: found no standard other"):
        load(tmp_path, ENTRY, kept=[{"file": "a.py", "standard": "other", "reason": "old"}])


def test_overdue_entries_are_those_whose_day_has_passed(tmp_path):
    register = load(tmp_path, ENTRY, {**ENTRY, "id": "early", "next_check": "2026-12-31"})
    assert [each.id for each in register.overdue("2027-01-01")] == ["early"]
    assert register.overdue("2026-11-22") == ()


def test_the_register_knows_what_changed_lately():
    register = load_register(ROOT)
    status = {
        text: register.entry(text).status in ENDED for text in ("21 CFR 820.30", "21 CFR 820.10", "21 CFR 820", "ISO 14971:2007")
    }
    assert status == {"21 CFR 820.30": True, "21 CFR 820.10": False, "21 CFR 820": False, "ISO 14971:2007": True}
    ended = (
        "FDA software guidance 2005",
        "FDA software draft 2021",
        "FDA cybersecurity guidance 2023",
        "FDA cybersecurity guidance 2025",
    )
    assert all(register.entry(text).status in ENDED for text in ended)
    assert register.entry("FDA AI-enabled draft").status == "draft"
    assert {"2027-01-15"} <= {each.next_check for each in register.standards}
