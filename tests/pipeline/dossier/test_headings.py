"""Headings and anchors of written pages are found as a reader sees them, and a target is put before each that is referred to."""

from pipeline.dossier.headings import mark, read_places, target_of

PAGE = """# Validation

(eye)=
Text.

```text
## no heading
```

## Validation of `qms`

:::{note}
## nor this
:::

* - (srs-001)=
    [SRS-001]{.item}

## Films, {ev}`80 <source-a::a.json::012345678901::/x>`
"""


def written(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "validation.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "sub/other.md").write_text("# Other\n", encoding="utf-8")
    return read_places(tmp_path)


def test_headings_and_anchors_are_found(tmp_path):
    places = written(tmp_path)
    assert [each.words for each in places.pages["validation"]] == ["Validation", "Validation of qms", "Films, 80"]
    assert places.anchors == {"eye", "srs-001"}
    assert (places.count("validation", "validation-of-qms"), places.count("validation", "no-heading")) == (1, 0)
    assert places.words("validation#films-80") == "Validation: Films, 80"
    assert places.words("sub/other") == "Other"


def test_targets_stand_before_their_headings_and_nothing_else_moves(tmp_path):
    places = written(tmp_path)
    mark(tmp_path, places, ["validation#validation-of-qms", "validation#films-80", "validation#validation-of-qms", "sub/other"])
    lines = (tmp_path / "validation.md").read_text(encoding="utf-8").split("\n")
    for place in ("validation#validation-of-qms", "validation#films-80"):
        line = lines.index(f"({target_of(place)})=")
        assert lines[line + 1].startswith("## ")
    assert "\n".join(line for line in lines if not line.startswith("(at-")) == PAGE
    assert (tmp_path / "sub/other.md").read_text(encoding="utf-8") == "# Other\n"
