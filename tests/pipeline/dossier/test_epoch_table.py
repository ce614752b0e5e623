"""The table of epochs has a column for each loss of the family that was trained."""

from __future__ import annotations

import pytest

from device_sw.detector.families.registry import FAMILIES
from pipeline.dossier.model_pages import LOSSES, ModelPages


class Book:
    """Evidence with one epoch of these losses."""

    def __init__(self, losses):
        self._epoch = {"epoch": 1, "losses": dict.fromkeys(losses, 0.5), "validation": {"ap50": 0.25, "ar100": None}}

    def value(self, _file, pointer):
        found = {"epochs": [self._epoch]}
        for part in pointer.strip("/").split("/"):
            found = found[int(part)] if part.isdigit() else found[part]
        return found

    def figure(self, file, pointer, form=""):
        value = self.value(file, pointer)
        return "undefined" if value is None else format(value, form)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=[kind.family for kind in FAMILIES])
def test_every_loss_of_the_family_has_its_column(family):
    table = ModelPages(Book(family.losses), {}).epochs()
    assert set(family.losses) <= set(LOSSES)
    assert table.count("0.5000") == len(family.losses)
    for name in family.losses:
        assert LOSSES[name] in table
