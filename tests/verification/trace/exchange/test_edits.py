"""What a partner changed is named value by value, and written into the data files as the smallest edit, or not at all."""

from dataclasses import replace

import pytest

from verification.trace.exchange import formats
from verification.trace.exchange.differences import Change, differences
from verification.trace.exchange.document import Item, ItemLink, compose
from verification.trace.exchange.edits import apply
from verification.trace.exchange.errors import ExchangeError
from verification.trace.exchange.sources import read_document

CONTROLS = "risk/data/controls.toml"


def edited(document, changes, *, links=None):
    """Return a document with other values: (item, attribute) to value."""
    items = [
        replace(item, values={**item.values, **{name: value for (item_id, name), value in changes.items() if item_id == item.id}})
        for item in document.items
    ]
    return compose(document.kinds, items, document.links if links is None else links)


def files(project):
    return {path: path.read_bytes() for path in sorted(project.root.rglob("*.toml"))}


def test_equal_documents_have_no_differences(project):
    ours = read_document(project.root)
    assert differences(ours, read_document(project.root)) == ()


def test_every_difference_is_named_with_both_values(project):
    ours = read_document(project.root)
    links = [link for link in ours.links if link.source != "SRS-001" or link.name != "serves"]
    theirs = edited(ours, {("SRS-001", "text"): "The device shall refuse it.", ("HS-001", "severity"): 4}, links=links)
    found = {(each.item, each.name): (each.change, each.ours, each.theirs) for each in differences(ours, theirs)}
    assert found == {
        ("SRS-001", "text"): (
            Change.VALUE,
            "The device shall refuse a film of a patient under 18.",
            "The device shall refuse it.",
        ),
        ("SRS-001", "serves"): (Change.LINKS, ("UN-001",), ()),
        ("HS-001", "severity"): (Change.VALUE, 3, 4),
    }


def test_true_and_one_are_no_equal_values(project):
    ours = read_document(project.root)
    assert [each.name for each in differences(ours, edited(ours, {("SRS-001", "safety"): 1}))] == ["safety"]


def test_added_removed_and_moved_items_are_named(project):
    ours = read_document(project.root)
    need = ours.items[0]
    reordered = compose(ours.kinds, [*reversed(ours.items), replace(need, id="UN-900")], ours.links)
    without = [item for item in reordered.items if item.id != "SRS-002"]
    kept = [link for link in reordered.links if "SRS-002" not in (link.source, link.target)]
    found = differences(ours, compose(ours.kinds, without, kept))
    assert (Change.ADDED, "UN-900") in {(each.change, each.item) for each in found}
    assert (Change.REMOVED, "SRS-002") in {(each.change, each.item) for each in found}
    assert (Change.ORDER, "scenario") in {(each.change, each.kind) for each in found}


@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_changed_text_goes_through_a_file_into_its_line_and_nothing_else_changes(project, tmp_path, name):
    project.replace(CONTROLS, 'title = "Only adults"', 'title = "Only adults" # a comment that stays')
    before = files(project)
    text = 'A film of a patient under 18 is "refused" \\ 拒絕, =1+1.'
    theirs = edited(read_document(project.root), {("RC-001", "text"): text})
    path, *_ = formats.write(theirs, name, tmp_path / "partner.file")
    done = apply(project.root, formats.read(name, path))
    assert done.files == (CONTROLS,)
    assert done.items == ("RC-001",)
    assert read_document(project.root) == theirs
    after = files(project)
    assert {path.name for path in after if after[path] != before[path]} == {"controls.toml"}
    old, new = before[project.root / CONTROLS].splitlines(), after[project.root / CONTROLS].splitlines()
    assert [number for number, (one, two) in enumerate(zip(old, new, strict=True)) if one != two] == [
        old.index(b'text = "A film of a patient under 18 is refused."')
    ]


def test_values_links_lists_and_nested_values_are_written(project):
    ours = read_document(project.root)
    changes = {
        ("RC-001", "arising.assessment"): "Looked at again: none found.",
        ("HAZ-001", "sequence"): ("one", "two", "three"),
        ("HS-001", "basis"): "P1 = 1, as measured.",
        ("SRS-002", "acceptance"): "The record holds the view's code.",
        ("SRS-002", "verification"): "inspection",
        ("SOUP-NUMPY", "requirements"): ("adds", "multiplies"),
        ("UN-001", "title"): "Adults, nobody else",
    }
    theirs = edited(ours, changes)
    apply(project.root, theirs)
    assert read_document(project.root) == theirs


def test_a_new_link_is_written_where_the_item_holds_it(project):
    project.replace("requirements_spec/data/user_needs.toml", "[[need]]", "[[need]]\n" + _second_need())
    project.replace(
        "requirements_spec/data/software_requirements/device.toml",
        'type = "data"\nneeds = ["UN-001"]',
        'type = "data"\nneeds = ["UN-002"]',
    )
    ours = read_document(project.root)
    theirs = edited(ours, {}, links=[*ours.links, ItemLink("serves", "SRS-001", "UN-002")])
    apply(project.root, theirs)
    assert 'needs = ["UN-001", "UN-002"]' in project.read("requirements_spec/data/software_requirements/device.toml")
    assert read_document(project.root) == theirs


def _second_need():
    return 'id = "UN-002"\ntitle = "Told"\nrole = "radiologist"\ntext = "It is told."\nrationale = "Readers ask."\nsections = ["user-needs"]\n[[need]]'


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({("SRS-001", "author"): "somebody"}, "a change of author, which stands outside the item"),
        ({("SRS-001", "status"): "approved"}, "a change of status"),
        ({("SOUP-NUMPY", "version"): "9"}, "a change of version"),
        ({("POLICY-RISK", "scope"): "all"}, "a change of a risk policy"),
        ({("SWS-TINY", "safety_class"): "A"}, "a change of a software system"),
        ({("TC:admission.feature::A child's film is refused", "steps"): ()}, "a change of a scenario"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_written(project, changes, found):
    before = files(project)
    with pytest.raises(ExchangeError, match=f"EXC-READ-ONLY.*{found}"):
        apply(project.root, edited(read_document(project.root), {**changes, ("SRS-001", "text"): "The device shall do less."}))
    assert files(project) == before


def test_added_and_removed_items_are_refused(project):
    ours = read_document(project.root)
    need = Item("UN-900", "user_need", ours.items[0].values)
    with pytest.raises(ExchangeError, match=r"EXC-READ-ONLY.*added item"):
        apply(project.root, compose(ours.kinds, [*ours.items, need], ours.links))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({("SRS-001", "text"): "It refuses."}, "SPC-VALUE"),
        ({("SRS-001", "text"): "It shall\nrefuse."}, "SPC-VALUE"),
        ({("SRS-001", "text"): "shall " * 1000}, "SPC-VALUE"),
        ({("HS-001", "severity"): 9}, "SPC-TYPE"),
        ({("SRS-001", "safety"): False}, "SPC-DISPOSITION"),
        ({("HS-001", "residual_probability"): 1}, "RSK-CLAIM"),
    ],
)
def test_what_the_loaders_refuse_is_not_written(project, changes, code):
    before = files(project)
    with pytest.raises(ExchangeError, match="EXC-REFUSED") as caught:
        apply(project.root, edited(read_document(project.root), changes))
    assert code in caught.value.codes
    assert files(project) == before


def test_a_write_that_fails_half_way_is_undone(project, monkeypatch):
    before = files(project)
    theirs = edited(read_document(project.root), {("RC-001", "text"): "Refused.", ("UN-001", "text"): "Nothing for a child."})
    real = type(project.root).replace
    done = []

    def failing(path, target):
        if done:
            raise OSError("disk full")
        done.append(target)
        return real(path, target)

    monkeypatch.setattr(type(project.root), "replace", failing)
    with pytest.raises(OSError, match="disk full"):
        apply(project.root, theirs)
    assert files(project) == before


def test_data_with_a_problem_is_not_exported(project):
    project.replace("risk/data/hazards.toml", "severity = 3", "severity = 9")
    with pytest.raises(ExchangeError, match="SPC-TYPE"):
        read_document(project.root)
