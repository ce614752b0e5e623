"""The cover sheet: everything a person has to know at first sight, nothing else, and the same bytes each time."""

from __future__ import annotations

import re

from pipeline.release.approval import cover_sheet
from pipeline.release.approval.approval import Approval, approve
from pipeline.release.record.record import Kind, Previous


def sheet(made):
    return cover_sheet.write(made).read_text(encoding="utf-8")


def test_the_sheet_names_the_record_and_what_the_release_is_not(bench):
    made = bench.release()
    page = sheet(made)
    assert f'<meta name="record-sha256" content="{made.record().sha256}">' in page
    assert "engineering baseline; not acceptable for clinical use" in page
    assert "TRIAL, NOT A RELEASE" in page
    assert "".join(re.findall(r"<span>([0-9a-f]{8})</span>", page)) == made.record().sha256


def test_a_release_is_called_so_and_names_the_one_before(bench):
    page = sheet(bench.release(version="0.2.0", kind=Kind.RELEASE, previous=Previous("0.1.0", "5" * 64)))
    assert ">RELEASE<" in page
    assert "TRIAL" not in page
    assert f"0.1.0: {'5' * 64}" in page


def test_endpoints_are_printed_with_goal_and_outcome_and_an_undefined_one_with_its_reason(bench):
    page = sheet(bench.release())
    assert "AP at IoU 0.5 &lt;macro&gt;" in page
    assert "0.662 [0.618, 0.716]" in page
    assert "undefined: no normal films" in page
    assert 'class="bad">NOT MET' in page
    assert "phantom results" in page


def test_what_is_owed_shows_until_it_is_signed(bench):
    made = bench.release()
    assert sheet(made).count("owed: not signed") == 2
    approve(bench.root, made, Approval("DEMO-quality", "compared <all> parts by hand", bench.keyring))
    page = (made.after / cover_sheet.NAME).read_text(encoding="utf-8")
    assert page.count("owed: not signed") == 1
    assert "DEMO-quality (demonstration identity, no natural person)" in page
    assert "compared &lt;all&gt; parts by hand" in page


def test_a_forged_certificate_is_printed_as_owed(bench):
    made = bench.release()
    approve(bench.root, made, Approval("DEMO-quality", "compared all parts by hand", bench.keyring))
    place = made.after / "certificates" / "DEMO-quality.json"
    place.write_bytes(place.read_bytes().replace(b"by hand", b"in half"))
    assert sheet(made).count("owed: not signed") == 2


def test_nobody_has_to_sign_a_trial_without_signers(bench):
    assert "Nobody has to sign this trial." in sheet(bench.release(names=()))


def test_the_sheet_is_the_same_each_time(bench):
    made = bench.release()
    assert sheet(made) == sheet(made)


def test_the_sheet_loads_nothing_from_elsewhere(bench):
    assert not re.search(r"https?://|<script|<img|url\(", sheet(bench.release()))
