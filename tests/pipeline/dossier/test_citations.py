"""Citations are found with file and line, and each has a current entry in the register; the whole tree is held against it."""

from pathlib import Path

import pytest

from pipeline.dossier.citations import CITING, citations, problems, require_current, unneeded
from pipeline.dossier.standards import load_register
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]
WHOLE_TREE = (*CITING, "pipeline", "validation", "tests", "CONTRIBUTING.md", "README.md", "CHANGELOG.md", "people.toml")


def found(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return [(each.line, each.text) for each in citations(tmp_path, [name.split("/")[0]])]


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("See ISO 14971:2019 7.4 and IEC 62304 5.7.1.", ["ISO 14971:2019", "IEC 62304"]),
        (
            "IEC 62304:2006+A1:2015, IEC 81001-5-1 8 and ISO/TR 24971:2020.",
            ["IEC 62304:2006+A1:2015", "IEC 81001-5-1", "ISO/TR 24971:2020"],
        ),
        ("21 CFR 820.30(j); 21 CFR Part 11; 45 CFR 164.514", ["21 CFR 820.30", "21 CFR Part 11", "45 CFR 164.514"]),
        (
            "FDA cybersecurity guidance 2023 and FDA software draft 2021",
            ["FDA cybersecurity guidance 2023", "FDA software draft 2021"],
        ),
        (
            "MDR Annex II; AI Act; Regulation (EU) 2017/745; COM(2025) 1023",
            ["MDR", "AI Act", "Regulation (EU) 2017/745", "COM(2025) 1023"],
        ),
        (
            "FD&C Act 524B, section 524B, GMLP 3, RFC 8785, PS3.15 E.1",
            ["FD&C Act 524B", "section 524B", "GMLP", "RFC 8785", "PS3.15"],
        ),
        ("NIST SP 800-57 and IEEE TMI 30, MISO 3, ISO_IR 100", ["NIST SP 800-57"]),
    ],
)
def test_what_is_a_citation(tmp_path, text, cited):
    assert [each for _, each in found(tmp_path, "docs/a.md", text)] == cited


def test_lines_are_counted_and_a_break_inside_a_citation_is_no_way_round(tmp_path):
    assert found(tmp_path, "docs/a.toml", "# one\n# By 21 CFR\n# 820.30\nx = 'ISO 13485'\n") == [
        (2, "21 CFR 820.30"),
        (4, "ISO 13485"),
    ]


def test_of_python_only_sources_of_docstrings_count(tmp_path):
    code = '"""One.\n\nNot ISO 1.\n\nSource: ISO 14971 7.4;\nIEC 62304 5.1.\n\nNot ISO 2.\n"""\nx = "Source: ISO 3"\n\n\ndef f():\n    """Two. Source: MDR 1."""\n'
    assert found(tmp_path, "docs/a.py", code) == [(5, "ISO 14971"), (6, "IEC 62304"), (14, "MDR")]


def test_messages_count_and_other_json_does_not(tmp_path):
    assert found(tmp_path, "verification/other.json", '{"a": "ISO 14971"}') == []
    assert found(tmp_path, "verification/messages.json", '{\n"a": "ISO 14971"}') == [(2, "ISO 14971")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "By 21 CFR 820.30.",
            r"found a citation of what is superseded: QS Regulation.*Repair: cite 21 CFR 820\.10 and ISO 13485:2016, clause 7\.3",
        ),
        ("By ISO 99999.", r"found a citation that the register does not have"),
        ("By ISO 14971:2007.", r"found a citation of what is withdrawn.*cite ISO 14971:2019"),
    ],
)
def test_what_is_not_current_is_refused_with_file_and_line(tmp_path, text, said):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text(f"# A\n\n{text}\n", encoding="utf-8")
    with pytest.raises(FileError, match=rf"FILE-CONTENT at docs/a\.md:3 .*: {said}"):
        require_current(tmp_path, load_register(ROOT), ["docs"])


def test_the_whole_tree_cites_only_what_is_current_and_no_exception_is_left_over():
    register = load_register(ROOT)
    cited = [each for each in citations(ROOT, WHOLE_TREE) if not each.file.startswith("tests/")]
    assert len(cited) > 700
    assert [str(each) for each in (*problems(register, cited), *unneeded(register, cited))] == []
