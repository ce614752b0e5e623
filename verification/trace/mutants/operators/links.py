"""Harms to links in the data files: deleted, dangling, redirected; alone, and agreed on by both sides, recorded and run again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from verification.trace.graph import Link
from verification.trace.mutants.mutant import Change, Form, Mutant, Operator, Part, Sign
from verification.trace.mutants.operators.signs import obligation, unrecorded
from verification.trace.mutants.project import ARCHITECTURE, DataRow, Project, place
from verification.trace.mutants.toml_text import TomlText

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Listed:
    """A link as it stands in a list of an item: the item, the key, the id it names, and the link's word in the graph and the obligations."""

    row: DataRow
    key: str
    target: str
    word: str

    @property
    def place(self) -> str:
        """The link in words."""
        return f"{self.row.id} {self.word} {self.target}"

    @property
    def path(self) -> str:
        """The path of the list."""
        return f"{self.row.path}.{self.key}"

    def targets(self) -> list[str]:
        """Return all ids of the list."""
        return list(self.row.data[self.key])

    def others(self) -> list[str]:
        """Return the other ids of the list."""
        return [each for each in self.targets() if each != self.target]


_KEYS = {
    "need": {"sections": str(Link.RENDERED_IN)},
    "requirement": {"needs": str(Link.SERVES), "controls": str(Link.DISPOSED_BY), "sections": str(Link.RENDERED_IN)},
    "soup": {"used_by": str(Link.USED_BY)},
    "control": {"situations": str(Link.REDUCES), "requirements": str(Link.IMPLEMENTED_BY), "evidence": "is shown by"},
}
"""Keys that hold links, by kind of item, with the link's word."""

_NOBODY = {
    "sections": "no-such-section",
    "needs": "UN-999999",
    "controls": "RC-999999",
    "used_by": "SWI-NOBODY",
    "situations": "HS-999999",
    "requirements": "SRS-999999",
    "evidence": "@SRS-999999",
}
"""An id of the right form that nothing has."""


def listed(project: Project) -> Iterator[Listed]:
    """Yield every link that stands in a list of a data file."""
    for row in project.rows:
        for key, word in _KEYS.get(row.kind, {}).items():
            yield from (Listed(row, key, target, word) for target in row.data.get(key, ()))


def _with(project: Project, link: Listed, targets: list[str]) -> tuple[str, str]:
    """Return the item's file and its text with another list."""
    return link.row.file, project.toml(link.row.file).with_value(link.path, targets)


def _emptied(project: Project, link: Listed) -> Sign:
    """Return what the loader says of an empty list, at the line of the key."""
    return Sign("SPC-VALUE", f"{link.row.file}:{project.toml(link.row.file).line(link.path)}", link.path)


def _deleted(link: Listed, project: Project) -> Change:
    file, text = _with(project, link, link.others())
    if not link.others():
        return Change({file: text}, (_emptied(project, link),))
    signs = (unrecorded(file, text, link.row.id), *_missed(project, link, file, text))
    return Change({file: text}, signs)


def _missed(project: Project, link: Listed, file: str, text: str) -> Iterator[Sign]:
    """Yield what the rule of the link says when this one is gone: a side that stands alone, or a duty that nothing meets any more."""
    if link.key == "controls":
        control = project.row(link.target)
        yield Sign("RSK-ONE-SIDED", project.where(control), f"{link.target} - {link.row.id}")
    if link.key == "requirements":
        requirement = project.row(link.target)
        yield Sign("RSK-ONE-SIDED", project.where(requirement), f"{link.row.id} - {link.target}")
    if link.key == "needs" and _is_last(project, link):
        yield Sign("SPC-NEED-UNSERVED", project.where(project.row(link.target)), link.target)
    if link.key == "situations" and _is_last(project, link):
        yield Sign("RSK-UNCONTROLLED", project.where(project.row(link.target)), link.target)
    if link.key == "evidence" and link.target == f"@{link.row.id}":
        yield Sign("RSK-EVIDENCE", place(file, text, link.row.id), link.row.id)


def _is_last(project: Project, link: Listed) -> bool:
    """Say whether no other item names the target under this key."""
    return not any(link.target in row.data.get(link.key, ()) for row in project.of(link.row.kind) if row.id != link.row.id)


def _dangling(link: Listed, project: Project) -> Change:
    nobody = _NOBODY[link.key]
    targets = [nobody if each == link.target else each for each in link.targets()]
    file, text = _with(project, link, targets)
    if link.key == "sections":
        line = project.toml(file).line(link.path)
        return Change({file: text}, (Sign("SPC-VALUE", f"{file}:{line}", f"{link.path}[{targets.index(nobody)}]"),))
    code = "RSK-DANGLING" if link.row.kind == "control" or link.key == "controls" else "SPC-DANGLING"
    return Change({file: text}, (Sign(code, place(file, text, link.row.id), link.row.id, nobody),))


def _redirected(link: Listed, project: Project, form: Form) -> Change:
    """Lead the link to another item of the kind; entered in the ledger, only the obligation that is gone tells."""
    other = _another(project, link) or ""
    file, text = _with(project, link, [other if each == link.target else each for each in link.targets()])
    where = place(file, text, link.row.id)
    if form is Form.RECORDED:
        sides = _other_side(project, link, other)
        return Change(
            {file: text, **sides}, (obligation("OBL-LINK", where, link.row.id, f"link {link.word}", link.target),), form
        )
    return Change({file: text}, (unrecorded(file, text, link.row.id),))


def _another(project: Project, link: Listed) -> str | None:
    """Return the next id of the target's kind that the list does not hold yet, in the order of the files, around the end."""
    every = _candidates(project, link)
    start = every.index(link.target)
    return next((each for each in (*every[start + 1 :], *every[:start]) if each not in link.targets()), None)


def _redirectable(project: Project) -> Iterator[Listed]:
    """Yield the links that do not name every item of their kind already."""
    yield from (link for link in listed(project) if _another(project, link))


def _candidates(project: Project, link: Listed) -> list[str]:
    if link.key == "sections":
        return sorted(
            {each for row in project.rows for each in row.data.get("sections", ())} | {"user-needs", "software-requirements"}
        )
    if link.key == "evidence":
        return [f"@{row.id}" for row in project.of("control", "requirement")]
    kind = {"needs": "need", "controls": "control", "used_by": "item", "situations": "situation", "requirements": "requirement"}
    return [row.id for row in project.of(kind[link.key])]


_PARTNER = {"controls": "requirements", "requirements": "controls"}
"""The key on the other side of a link that both items state."""


def _other_side(project: Project, link: Listed, other: str | None) -> dict[str, str]:
    """Return the edits that let the other side of a two-sided link agree: the old partner forgets it, the new one, if any, names it."""
    if link.key not in _PARTNER:
        return {}
    key, edits = _PARTNER[link.key], dict[str, str]()
    for partner in filter(None, (link.target, other)):
        row = project.row(partner)
        names = [each for each in row.data.get(key, ()) if each != link.row.id]
        if names or partner == other:
            source = TomlText(edits.get(row.file, project.text(row.file)))
            value = names if partner == link.target else [*names, link.row.id]
            has_key = key in row.data
            edits[row.file] = source.with_value(f"{row.path}.{key}", value) if has_key else edits.get(row.file, source.text)
    return edits


def _deleted_on_both_sides(link: Listed, project: Project) -> Change:
    file, text = _with(project, link, link.others())
    sign = obligation("OBL-LINK", place(file, text, link.row.id), link.row.id, f"link {link.word}", link.target)
    return Change({file: text, **_other_side(project, link, None)}, (sign,), Form.RECORDED)


def _claims(project: Project) -> Iterator[tuple[DataRow, int, str]]:
    for row in project.of("item"):
        yield from ((row, index, module) for index, module in enumerate(row.data["modules"]))


def _claim_deleted(row: DataRow, module: str, project: Project) -> Change:
    """Let an item forget a module: the modules below it belong to nobody."""
    rest = [each for each in row.data["modules"] if each != module]
    text = project.toml(row.file).with_value(f"{row.path}.modules", rest)
    if not rest:
        line = project.toml(row.file).line(f"{row.path}.modules")
        return Change({row.file: text}, (Sign("SPC-VALUE", f"{row.file}:{line}", f"{row.path}.modules"),))
    mine = [each for each in project.inputs.modules if each == module or each.startswith(f"{module}.")]
    signs = tuple(Sign("SPC-MODULE-UNASSIGNED", f"{each.replace('.', '/')}.py:1", each) for each in mine)
    return Change({row.file: text}, (*signs, unrecorded(row.file, text, row.id)))


def _claim_dangling(row: DataRow, module: str, project: Project) -> Change:
    claims = [f"{module}_gone" if each == module else each for each in row.data["modules"]]
    text = project.toml(row.file).with_value(f"{row.path}.modules", claims)
    return Change({row.file: text}, (Sign("SPC-MODULE-ABSENT", place(row.file, text, row.id), row.id, f"{module}_gone"),))


def _claim_redirected(row: DataRow, module: str, project: Project) -> Change:
    """Let another item claim the module as well."""
    items = project.of("item")
    other = items[(items.index(row) + 1) % len(items)]
    text = project.toml(row.file).with_value(f"{other.path}.modules", [*other.data["modules"], module])
    later = max(row, other, key=items.index)
    return Change({row.file: text}, (Sign("SPC-MODULE-TWICE", place(row.file, text, later.id), later.id, module),))


def _item_dangling(file: str, project: Project) -> Change:
    """Allocate the requirements of a file to an item that does not exist."""
    text = project.toml(file).with_value("$.item", "SWI-NOBODY")
    rows = [row for row in project.of("requirement") if row.file == file]
    return Change({file: text}, tuple(Sign("SPC-DANGLING", place(file, text, row.id), row.id, "SWI-NOBODY") for row in rows))


def _item_redirected(file: str, project: Project, form: Form) -> Change:
    """Allocate the requirements of a file to the next item: the one they leave is idle, and each of them has changed."""
    items = [row.id for row in project.of("item")]
    mine = str(project.toml(file).data["item"])
    text = project.toml(file).with_value("$.item", items[(items.index(mine) + 1) % len(items)])
    rows = [row for row in project.of("requirement") if row.file == file]
    if form is Form.RECORDED:
        signs = [obligation("OBL-LINK", place(file, text, row.id), row.id, f"link {Link.ALLOCATED_TO}", mine) for row in rows]
        return Change({file: text}, tuple(signs), form)
    idle = Sign("SPC-ITEM-IDLE", project.where(project.row(mine)), mine)
    return Change({file: text}, (idle, *(unrecorded(file, text, row.id) for row in rows)))


def _interface_dangling(index: int, end: str, project: Project) -> Change:
    path = f"$.interface[{index}]"
    text = project.toml(ARCHITECTURE).with_value(f"{path}.{end}", "SWI-NOBODY")
    names = {**project.toml(ARCHITECTURE).value(path), end: "SWI-NOBODY"}
    line = project.toml(ARCHITECTURE).line(path)
    sign = Sign("SPC-DANGLING", f"{ARCHITECTURE}:{line}", f"{names['from']} -> {names['to']}", "SWI-NOBODY")
    return Change({ARCHITECTURE: text}, (sign,))


def _interface_removed(index: int, project: Project) -> Change:
    text = project.toml(ARCHITECTURE).without_row(f"$.interface[{index}]")
    system = str(project.toml(ARCHITECTURE).value("$.system.id"))
    return Change({ARCHITECTURE: text}, (unrecorded(ARCHITECTURE, text, system),))


def _section_dropped(row: DataRow, project: Project) -> Change:
    """Take the section of the label from a control that informs."""
    text = project.toml(row.file).without_key(f"{row.path}.label_section")
    return Change({row.file: text}, (Sign("RSK-LABEL", place(row.file, text, row.id), row.id),))


def _arising_dangling(row: DataRow, target: str, project: Project) -> Change:
    text = _arising(project, row, ["HS-999999" if each == target else each for each in row.data["arising"]["situations"]])
    return Change({row.file: text}, (Sign("RSK-DANGLING", place(row.file, text, row.id), row.id, "HS-999999"),))


def _arising_dropped(row: DataRow, target: str, project: Project, form: Form) -> Change:
    """Let a control forget a situation that it brings about."""
    text = _arising(project, row, [each for each in row.data["arising"]["situations"] if each != target])
    where = place(row.file, text, row.id)
    if form is Form.RECORDED:
        return Change({row.file: text}, (obligation("OBL-LINK", where, row.id, "link brings", target),), form)
    return Change({row.file: text}, (unrecorded(row.file, text, row.id),))


def _arising(project: Project, row: DataRow, situations: list[str]) -> str:
    value: dict[str, Any] = {**row.data["arising"], "situations": situations}
    return project.toml(row.file).with_value(f"{row.path}.arising", value)


def _page_gone(section: str, project: Project) -> Change:
    """Remove a page of the technical file: what is rendered there has no place, and the page itself was owed."""
    where = f"docs/{section}.md:1"
    signs = [obligation("OBL-REMOVED", where, f"page {section}", "item")]
    if project.verdict.graph.sources(section, Link.RENDERED_IN):
        signs.append(Sign("TRC-SECTION-UNKNOWN", where, section))
    return Change({f"docs/{section}.md": None}, tuple(signs))


def _deletions(project: Project) -> Iterator[Mutant]:
    name = "link-deleted"
    yield from (Mutant(name, link.place, partial(_deleted, link)) for link in listed(project))
    yield from (
        Mutant(name, f"{row.id} holds {module}", partial(_claim_deleted, row, module)) for row, _, module in _claims(project)
    )
    for row, target in _brought(project):
        yield Mutant(name, f"{row.id} brings {target}", partial(_arising_dropped, row, target, form=Form.EDITED))
    for row in project.of("control"):
        if "label_section" in row.data:
            yield Mutant(name, f"{row.id} is rendered in {row.data['label_section']}", partial(_section_dropped, row))
    for index in range(len(project.toml(ARCHITECTURE).data["interface"])):
        yield Mutant(name, f"interface {index + 1}", partial(_interface_removed, index))
    for section in sorted(project.inputs.pages):
        yield Mutant(name, f"page {section}", partial(_page_gone, section))


def _brought(project: Project) -> Iterator[tuple[DataRow, str]]:
    for row in project.of("control"):
        yield from ((row, target) for target in row.data["arising"]["situations"])


def _danglings(project: Project) -> Iterator[Mutant]:
    name = "link-dangling"
    yield from (Mutant(name, link.place, partial(_dangling, link)) for link in listed(project))
    yield from (
        Mutant(name, f"{row.id} holds {module}", partial(_claim_dangling, row, module)) for row, _, module in _claims(project)
    )
    yield from (
        Mutant(name, f"{row.id} brings {target}", partial(_arising_dangling, row, target)) for row, target in _brought(project)
    )
    yield from (Mutant(name, f"allocation of {file}", partial(_item_dangling, file)) for file in project.requirement_files)
    for index in range(len(project.toml(ARCHITECTURE).data["interface"])):
        yield from (
            Mutant(name, f"interface {index + 1} {end}", partial(_interface_dangling, index, end)) for end in ("from", "to")
        )


def _redirections(project: Project) -> Iterator[Mutant]:
    name = "link-redirected"
    yield from (Mutant(name, link.place, partial(_redirected, link, form=Form.EDITED)) for link in _redirectable(project))
    yield from (
        Mutant(name, f"{row.id} holds {module}", partial(_claim_redirected, row, module)) for row, _, module in _claims(project)
    )
    for file in project.requirement_files:
        yield Mutant(name, f"allocation of {file}", partial(_item_redirected, file, form=Form.EDITED))


def _silent_deletions(project: Project) -> Iterator[Mutant]:
    name = "link-deleted-and-recorded"
    for link in listed(project):
        if link.others():
            yield Mutant(name, link.place, partial(_deleted_on_both_sides, link))
    for row, target in _brought(project):
        yield Mutant(name, f"{row.id} brings {target}", partial(_arising_dropped, row, target, form=Form.RECORDED))


def _silent_redirections(project: Project) -> Iterator[Mutant]:
    name = "link-redirected-and-recorded"
    yield from (Mutant(name, link.place, partial(_redirected, link, form=Form.RECORDED)) for link in _redirectable(project))
    for file in project.requirement_files:
        yield Mutant(name, f"allocation of {file}", partial(_item_redirected, file, form=Form.RECORDED))


OPERATORS = (
    Operator("link-deleted", Part.GRAPH, "a deleted link leaves a duty unmet or a change unrecorded", _deletions),
    Operator("link-dangling", Part.GRAPH, "a link leads to something that exists", _danglings),
    Operator("link-redirected", Part.GRAPH, "a link that leads elsewhere is a change", _redirections),
    Operator(
        "link-deleted-and-recorded", Part.GRAPH, "a link of the baseline stays, or somebody answers for it", _silent_deletions
    ),
    Operator(
        "link-redirected-and-recorded",
        Part.GRAPH,
        "a link of the baseline stays, or somebody answers for it",
        _silent_redirections,
    ),
)
