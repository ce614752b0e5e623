"""Baseline and ledger of obligations: written and read back, and every disagreement between the two told in words."""

import json

import pytest

from verification.trace.baseline import (
    BASELINE,
    LEDGER,
    Entry,
    Ledger,
    Renewal,
    append,
    baseline_of,
    ledger_problems,
    read_baseline,
    read_ledger,
    unentered,
    write_baseline,
)
from verification.trace.obligations import OBLIGATION_ORDER, Obligation, Reduction

OWED = (
    Obligation("SRS-001", "text", "", "The device shall.", "a.toml:3"),
    Obligation("SRS-001", "link serves", "UN-001", 1, "a.toml:3"),
    Obligation("HS-001", "severity", "", 4, "b.toml:7"),
    Obligation("SRS-001", "safety", "", True, "a.toml:3"),
)


def told(problems):
    return [(each.code, each.where, each.item, each.found) for each in problems]


def test_a_baseline_is_written_by_item_and_read_back_equal(tmp_path):
    made = baseline_of(OWED)
    (tmp_path / BASELINE).parent.mkdir(parents=True)
    write_baseline(tmp_path, made)
    read, problems = read_baseline(tmp_path)
    assert problems == ()
    assert read.sha256 == made.sha256
    owed = tuple(sorted(OWED, key=OBLIGATION_ORDER))
    assert read.obligations == owed
    assert [each.where for each in read.obligations] == [each.where for each in owed]
    assert read.share.table["HS-001", "severity", ""].value == 4
    data = json.loads((tmp_path / BASELINE).read_text(encoding="utf-8"))
    assert set(data) == {"schema", "sha256", "obligations", "places"}
    assert data["places"] == {"SRS-001": "a.toml:3", "HS-001": "b.toml:7"}
    assert data["obligations"]["SRS-001"] == {
        "text": {"": "The device shall."},
        "link serves": {"UN-001": 1},
        "safety": {"": True},
    }


def test_the_hash_follows_every_part():
    made = baseline_of(OWED).sha256
    for changed in (
        OWED[1:],
        (*OWED[:2], Obligation("HS-001", "severity", "", 3, "b.toml:7"), OWED[3]),
        (*OWED[:2], Obligation("HS-001", "severity", "", 4, "b.toml:8"), OWED[3]),
    ):
        assert baseline_of(changed).sha256 != made
    assert baseline_of(reversed(OWED)).sha256 == made


def edited(tmp_path, change):
    (tmp_path / BASELINE).parent.mkdir(parents=True, exist_ok=True)
    write_baseline(tmp_path, baseline_of(OWED))
    data = json.loads((tmp_path / BASELINE).read_text(encoding="utf-8"))
    change(data)
    (tmp_path / BASELINE).write_text(json.dumps(data), encoding="utf-8")
    return data


FORM = "unreadable (ValueError: not of the form thoratrace/"
UNREADABLE = {
    "another schema": (lambda d: d.update(schema="x"), FORM),
    "a further key": (lambda d: d.update(more=1), FORM),
    "an aspect of nothing": (
        lambda d: d["obligations"]["HS-001"].update(colour={"": 1}),
        "unreadable (ValueError: the aspect 'colour' of HS-001, which does not exist)",
    ),
    "a link without a space": (
        lambda d: d["obligations"]["HS-001"].update(links={"": 1}),
        "unreadable (ValueError: the aspect 'links' of HS-001, which does not exist)",
    ),
    "a value of no kind": (
        lambda d: d["obligations"]["HS-001"]["severity"].update({"": None}),
        "unreadable (TypeError: the value of HS-001: severity: )",
    ),
    "a place missing": (lambda d: d["places"].pop("HS-001"), "unreadable (KeyError: 'HS-001')"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_baseline_of_another_form_is_told(tmp_path, case):
    change, words = UNREADABLE[case]
    edited(tmp_path, change)
    baseline, problems = read_baseline(tmp_path)
    assert baseline is None
    ((code, where, item, found),) = told(problems)
    assert (code, where, item) == ("OBL-BASELINE", BASELINE, "baseline")
    assert found.startswith(words)


def test_no_baseline_and_an_edited_one_are_told(tmp_path):
    nothing = "no baseline, so nothing shows what became smaller"
    assert read_baseline(tmp_path)[0] is None
    assert told(read_baseline(tmp_path)[1]) == [("OBL-BASELINE", BASELINE, "baseline", nothing)]
    data = edited(tmp_path, lambda d: d["obligations"]["HS-001"]["severity"].update({"": 3}))
    changed = baseline_of((*OWED[:2], Obligation("HS-001", "severity", "", 3, "b.toml:7"), OWED[3])).sha256
    found = f"content with the hash {changed[:12]}, which states {data['sha256'][:12]}: edited by hand"
    assert read_baseline(tmp_path)[0] is None
    assert told(read_baseline(tmp_path)[1]) == [("OBL-BASELINE", BASELINE, "baseline", found)]


NOW = baseline_of(OWED)
LOWER = Reduction("OBL-CLASS", "HS-001: severity", "4", "3", "HS-001", "b.toml:7")


def entry(what="HS-001: severity", before="4", after="3", *, name="OBR-001", of=NOW.sha256, line=5):
    return Entry(name, of, what, before, after, "DEMO-author", "the residual was estimated anew", where=f"{LEDGER}:{line}")


def renewal(old, new, line=1):
    return Renewal(old, new, 4, "DEMO-author", "the residual was estimated anew", where=f"{LEDGER}:{line}")


FIRST = renewal("", NOW.sha256)


def found(reductions, entries, renewals=(FIRST,), baseline=NOW):
    return told(ledger_problems(reductions, Ledger(tuple(entries), tuple(renewals)), baseline))


def test_a_reduction_that_is_entered_is_in_order():
    assert found([LOWER], [entry()]) == []
    assert unentered([LOWER], Ledger((entry(),)), NOW) == ()


def test_a_reduction_that_nobody_entered_is_told():
    assert found([LOWER], []) == [("OBL-CLASS", "b.toml:7", "HS-001", "HS-001: severity: from 4 to 3")]
    assert unentered([LOWER], Ledger((entry(of="0" * 64),)), NOW) == (LOWER,)


IDLE = {
    "nothing did it": (entry("SRS-009: text", "a", "b"), "SRS-009: text: from a to b, which nothing did"),
    "a pattern": (entry("HS-*"), "the pattern HS-*, which would cover 1 reductions"),
    "other values": (entry(after="2"), "HS-001: severity goes from 4 to 3, entered as 4 to 2"),
    "other beginning": (entry(before="5"), "HS-001: severity goes from 4 to 3, entered as 5 to 3"),
}


@pytest.mark.parametrize("case", IDLE)
def test_an_entry_that_answers_for_nothing_is_told(case):
    idle, words = IDLE[case]
    assert ("OBL-LEDGER", f"{LEDGER}:5", "OBR-001", words) in found([LOWER], [idle])


def test_an_entry_of_an_earlier_baseline_rests():
    older = entry("SRS-009: text", "a", "b", of="1" * 64)
    assert found([], [older], [renewal("", "1" * 64), renewal("1" * 64, NOW.sha256, 2)]) == []


def test_an_entry_of_a_baseline_that_never_was_is_told():
    assert found([], [entry(of="1" * 64)]) == [
        ("OBL-LEDGER", f"{LEDGER}:5", "OBR-001", f"the baseline {'1' * 12}, which never was")
    ]


def test_an_id_and_an_obligation_are_entered_once():
    again = "an id or an obligation that an entry above has"
    second = Reduction("OBL-CLASS", "HS-001: probability", "4", "3", "HS-001", "b.toml:7")
    same_id = [entry(), entry("HS-001: probability", line=9)]
    assert found([LOWER, second], same_id) == [("OBL-LEDGER", f"{LEDGER}:9", "OBR-001", again)]
    same_what = [entry(), entry(name="OBR-002", line=9)]
    assert found([LOWER], same_what) == [("OBL-LEDGER", f"{LEDGER}:9", "OBR-002", again)]
    assert found([LOWER, second], [entry(), entry("HS-001: probability", name="OBR-002", line=9)]) == []


def test_a_broken_chain_of_renewals_is_told():
    one, two = "1" * 64, "2" * 64
    assert found([], [], [renewal(one, NOW.sha256)]) == [
        ("OBL-BASELINE", f"{LEDGER}:1", "baseline", f"a renewal from {'1' * 12} after one to nothing")
    ]
    assert found([], [], [renewal("", one), renewal("", NOW.sha256, 4)]) == [
        ("OBL-BASELINE", f"{LEDGER}:4", "baseline", f"a renewal from nothing after one to {'1' * 12}")
    ]
    short = NOW.sha256[:12]
    assert found([], [], [renewal("", two)]) == [
        ("OBL-BASELINE", BASELINE, "baseline", f"the baseline {short}, the last renewal leads to {'2' * 12}")
    ]
    assert found([], [], []) == [
        ("OBL-BASELINE", BASELINE, "baseline", f"the baseline {short}, the last renewal leads to nothing")
    ]
    assert found([LOWER], [], [FIRST], None) == []


def test_the_ledger_is_written_and_read_back(tmp_path):
    (tmp_path / LEDGER).parent.mkdir(parents=True)
    one = entry('a "quoted" \\ text', "x", "y")
    append(tmp_path, [], [FIRST])
    append(tmp_path, [one])
    ledger, problems = read_ledger(tmp_path)
    assert problems == ()
    assert ledger == Ledger((one,), (FIRST,))
    text = (tmp_path / LEDGER).read_text(encoding="utf-8").splitlines()
    assert [each.where for each in (*ledger.renewals, *ledger.entries)] == [
        f"{LEDGER}:{text.index('[[renewal]]') + 1}",
        f"{LEDGER}:{text.index('[[reduction]]') + 1}",
    ]
    assert [path.name for path in (tmp_path / LEDGER).parent.iterdir()] == ["obligations.toml"]


def test_a_ledger_that_is_not_there_is_told(tmp_path):
    ledger, problems = read_ledger(tmp_path)
    assert ledger == Ledger()
    assert [each.code for each in problems] == ["SPC-FILE"]
