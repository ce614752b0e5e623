"""An answer is given again for the very same value, never for one that is only equal to it."""

from dataclasses import dataclass

from requirements_spec import remembered as module
from requirements_spec.remembered import remembered


@dataclass(frozen=True)
class Item:
    text: str


def counting():
    asked = []

    @remembered
    def length(item):
        asked.append(item)
        return len(item.text)

    return length, asked


def test_the_same_value_is_asked_once():
    length, asked = counting()
    item = Item("apex")
    assert [length(item), length(item)] == [4, 4]
    assert len(asked) == 1


def test_an_equal_value_read_anew_is_asked_anew():
    length, asked = counting()
    assert [length(Item("apex")), length(Item("apex"))] == [4, 4]
    assert len(asked) == 2


def test_a_value_that_went_out_of_use_lends_its_answer_to_no_other():
    length, _ = counting()
    assert [length(Item("a" * count)) for count in range(500)] == list(range(500))


def test_what_is_kept_has_an_end(monkeypatch):
    monkeypatch.setattr(module, "MOST_ANSWERS", 2)
    length, asked = counting()
    items = [Item("a"), Item("bb"), Item("ccc")]
    assert [length(item) for item in items] == [1, 2, 3]
    assert length(items[0]) == 1
    assert len(asked) == 4
