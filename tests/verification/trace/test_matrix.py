"""The matrix shows what the gate accepted, escapes every text, needs no other file, and is the same for the same graph."""

import html.parser
import re

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
