"""The matrix shows what the gate accepted, escapes every text, needs no other file, and is the same for the same graph."""

import html.parser
import re

import pytest

from verification.trace import matrix

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(html.parser.HTMLParser):
    """Ids, links and elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []


def page(project):
    return matrix.render(project.check())


def test_page_holds_every_item_once_and_no_dead_anchor(project):
    parsed = Page(page(project))
    assert {"UN-001", "SRS-001", "SRS-002", "RC-001", "HAZ-001", "HS-001", "SWI-DEVICE", "VE:ap50-macro"} <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= set(parsed.ids)


def test_shipped_page_has_no_dead_anchor_and_no_id_twice(shipped):
    parsed = Page(page(shipped))
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= set(parsed.ids)


def test_page_loads_nothing_from_elsewhere(project):
    text = page(project)
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text)
    assert Page(text).tags.count("script") == 1
    assert "@import" not in text


def test_texts_are_escaped(project):
    for name, old in (
        ("requirements_spec/data/user_needs.toml", "Adults only"),
        ("requirements_spec/data/software_requirements/device.toml", "Refuse a child's film"),
        ("risk/data/hazards.toml", "An unneeded CT."),
        ("risk/data/controls.toml", "Only adults"),
        ("verification/features/admission.feature", "Every view is told"),
    ):
        project.replace(name, old, ATTACK)
    project.seal()
    text = page(project)
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    assert "<script>alert" not in text
    assert "<img" not in text


def test_accepted_results_are_shown_and_refused_ones_are_not(project):
    assert ">passed</span>" in page(project)
    project.write("device_sw/device.py", "ADULT = 16\n")
    text = page(project)
    assert "not accepted, so no result is shown" in text
    assert '<span class="badge ok">' not in text
    assert "device_sw/device.py changed" in text


def test_a_failed_row_is_named_with_its_meaning(project):
    project.verify({("Every view is told", "view=PA"): "<failure message='boom'/>"})
    text = page(project)
    assert "failed: view=PA" in text
    assert "a step did not hold" in text


def test_same_result_same_bytes_and_written_whole(project):
    result = project.check()
    path = matrix.write(project.root, result)
    assert path == project.root / "artifacts/trace/matrix.html"
    assert path.read_text(encoding="utf-8") == matrix.render(result)
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix == ".part"] == []


def test_links_lead_to_features_and_sections(project):
    links = Page(page(project)).links
    assert "../../verification/features/admission.feature" in links
    assert "../technical_file/html/software-requirements.html#srs-001" in links


def test_page_says_what_it_does_not_show(project):
    text = page(project)
    for sentence in matrix.NOT_SHOWN:
        assert sentence in text


HOSTILE = """\\" onmouseover=\\"alert(3)\\" x=' javascript:alert(4) {{ 7*7 }} {% raw %} </script><!--"""
"""As it stands inside a TOML string."""


def test_quotes_scripts_and_template_marks_in_titles_are_inert(project):
    project.replace("requirements_spec/data/user_needs.toml", "Adults only", HOSTILE)
    project.replace("verification/features/admission.feature", "Every view is told", "javascript:alert(5)//</script>")
    project.seal()
    parsed = Attributes(page(project))
    assert not [name for name in parsed.names if name.startswith("on")]
    assert not [link for link in parsed.links if not re.match(r"#|\.\./|records/", link)]
    assert parsed.scripts == 1
    assert "{{ 7*7 }}" in page(project)


class Attributes(html.parser.HTMLParser):
    """Names of all attributes, values of all links, number of scripts."""

    def __init__(self, text):
        super().__init__()
        self.names, self.links, self.scripts = set(), [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]
        self.scripts += tag == "script"


def test_a_problem_leads_to_its_item_and_to_the_page_of_its_code(project):
    project.replace("verification/features/admission.feature", "  @RC-001\n", "")
    text = page(project)
    assert 'href="../technical_file/html/codes/TRC-CONTROL-SCENARIO.html">TRC-CONTROL-SCENARIO</a>' in text
    assert '<strong><a href="#RC-001">RC-001</a></strong>' in text


def test_filters_offer_what_occurs(project):
    found = {name: [value for value, _ in options] for name, _, options in matrix.view(matrix.rows(project.check()))["filters"]}
    assert {"requirement", "situation", "control", "scenario", "endpoint", "software item"} <= set(found["kind"])
    assert found["need"] == ["UN-001"]
    assert found["control"] == ["inherent-design"]
    assert found["outcome"] == ["passed"]
    assert found["risk"] == ["acceptable"] or found["risk"] == ["reduce"]


def test_a_scenario_can_be_found_by_the_need_behind_its_requirement(project):
    (row,) = re.findall(r'<tr class="row" id="tc-[0-9a-f]+"([^>]*)>\s*<td[^>]*>Every view', page(project))
    assert 'data-need="|UN-001|"' in row
    assert 'data-outcome="|passed|"' in row


def bytes_of(project):
    folder = project.root / matrix.FOLDER
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_format_is_written_and_the_same_again(project):
    paths = matrix.write_formats(project.root, project.check())
    assert [path.name for path in paths.values()] == ["matrix.html", "matrix.csv", "matrix.xlsx", "matrix.json"]
    first = bytes_of(project)
    matrix.write_formats(project.root, project.check())
    assert bytes_of(project) == first


def test_only_what_was_asked_for_is_written(project):
    assert list(matrix.write_formats(project.root, project.check(), ["csv", "csv"])) == ["csv"]
    assert not (project.root / matrix.MATRIX).exists()
    with pytest.raises(matrix.UnknownFormatError, match="found pdf, expected one or more of html, csv, xlsx, json"):
        matrix.write_formats(project.root, project.check(), ["html", "pdf"])
    assert not (project.root / matrix.MATRIX).exists()


@pytest.mark.parametrize("part", ["to_xlsx", "write_bytes"])
def test_all_files_or_none(project, monkeypatch, part):
    matrix.write_formats(project.root, project.check())
    before = bytes_of(project)
    project.replace("verification/features/admission.feature", "Every view is told", "Every view is named")
    project.seal()
    result = project.check()
    if part == "to_xlsx":
        monkeypatch.setattr(matrix, "to_xlsx", _fails)
    else:
        real = type(project.root).write_bytes
        monkeypatch.setattr(
            type(project.root), "write_bytes", lambda path, data: _fails() if "xlsx" in path.name else real(path, data)
        )
    with pytest.raises(OSError, match="disk full"):
        matrix.write_formats(project.root, result)
    assert {name: content for name, content in bytes_of(project).items() if name not in ("trace.json", "check.json")} == {
        name: content for name, content in before.items() if name not in ("trace.json", "check.json")
    }


def _fails(*_arguments):
    raise OSError("disk full")
