from dataclasses import dataclass, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requirements_spec.fingerprint import fingerprint
from requirements_spec.loader import load


@dataclass(frozen=True)
class Item:
    id: str
    parts: tuple[str, ...] = ()
    where: str = ""


def test_the_fingerprint_is_the_sha256_of_the_canonical_json():
    """Computed apart: printf '{"id":"(a umlaut)","parts":["b","a"]}' | sha256sum."""
    assert fingerprint(Item("\u00e4", ("b", "a"))) == "ee00d276ada67c24d21586422a119112c85ee2752c5447bacc3dfbe6746a2d06"


def test_the_place_in_the_file_is_no_content():
    assert fingerprint(Item("a", where="x:1")) == fingerprint(Item("a", where="y:2"))


def test_every_content_field_of_a_requirement_counts(root):
    requirement = load(root)[0].requirements[0]
    before = fingerprint(requirement)
    for field in fields(requirement):
        changed = fingerprint(replace(requirement, **{field.name: "changed"}))
        assert (changed == before) == (field.name == "where"), field.name


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_different_lists_have_different_fingerprints(one, other):
    assert (fingerprint(Item("a", tuple(one))) == fingerprint(Item("a", tuple(other)))) == (one == other)


def test_all_items_of_the_specification_have_fingerprints_of_their_own(root):
    specification, _ = load(root)
    prints = [
        fingerprint(item)
        for item in (*specification.needs, *specification.requirements, *specification.items, *specification.soup)
    ]
    assert len(set(prints)) == len(prints)


def test_something_that_is_no_json_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        fingerprint(Item("a", ({1, 2},)))
