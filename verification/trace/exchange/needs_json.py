"""A document as a needs.json that sphinx-needs loads, with the configuration it needs, and back.

The text of an item is its content; it is escaped, so that no character of a text is markup in the project that loads it. sphinx-needs keeps names for
itself (``type``, ``sections``), and one name has one type in it: an attribute whose name is taken carries the kind before it. Ids of scenarios hold
spaces and colons and are replaced by a hash; ``trace_id`` keeps them. sphinx-needs sorts needs and links by id when it writes
the file again; ``trace_order`` and ``trace_link_order`` keep the order, the latter only where it is another one.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from verification.trace.codes import problem
from verification.trace.exchange.document import Attribute, Item, ItemKind, ItemLink, ValueType, read_back, short
from verification.trace.exchange.errors import ExchangeError, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requirements_spec.problem import Problem
    from verification.trace.exchange.document import Document, Value

VERSION = "1"
"""The one version in the file; the items' own content says what changed, not a number."""
PROJECT = "ThoraTrace"
SCHEMA = "thoratrace/exchange-needs/1"

ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")
ID_PATTERN = r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*"
"""What the project that loads the file takes for an id."""

TAKEN = frozenset(
    {
        "arch",
        "collapse",
        "constraints",
        "content",
        "docname",
        "doctype",
        "external_css",
        "external_url",
        "hide",
        "id",
        "is_external",
        "is_import",
        "is_modified",
        "is_need",
        "is_part",
        "layout",
        "lineno",
        "links",
        "modifications",
        "parent_need",
        "parts",
        "post_template",
        "pre_template",
        "sections",
        "section_name",
        "signature",
        "style",
        "tags",
        "template",
        "title",
        "trace_id",
        "trace_order",
        "trace_title",
        "trace_link_order",
        "type",
    }
)
"""Names that sphinx-needs, or this module, gives another meaning."""

OWN_MEANING = frozenset({"content", "title", "status"})
"""Names that mean the same here and there."""

_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")
_FUNCTION_OR_VARIANT = re.compile(r"\[(?=\[)|<(?=<)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_JSON_TYPES: Mapping[ValueType, dict[str, Any]] = {
    ValueType.TEXTS: {"type": "array", "items": {"type": "string"}},
    ValueType.WHOLE: {"type": "integer"},
    ValueType.FLAG: {"type": "boolean"},
}


def export(document: Document) -> str:
    """Return the file; equal documents give equal text, without any date.

    Raises:
        ExchangeError: EXC-CHARACTER, half a character in a text.
    """
    targets = document.targets()
    needs = {need_id(item.id): _need(document, item, targets) | {"trace_order": n} for n, item in enumerate(document.items)}
    version = {"needs": needs, "needs_amount": len(needs), "filters": {}, "filters_amount": 0, "thoratrace_schema": SCHEMA}
    content = {"current_version": VERSION, "project": PROJECT, "versions": {VERSION: version}}
    try:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        text.encode()
    except UnicodeEncodeError as err:
        raise refusal("EXC-CHARACTER", "export", "needs.json", f"half a character at {err.start}") from err
    return f"{text}\n"


def configuration(kinds: tuple[ItemKind, ...]) -> str:
    """Return the TOML that a Sphinx project names as ``needs_from_toml`` to load the file: types, fields and links."""
    blocks = [
        '# Types, fields and links of ThoraTrace\'s needs.json. In conf.py: needs_from_toml = "the name of this file".',
        "[needs]",
    ]
    blocks.append(f"id_regex = {json.dumps(ID_PATTERN)}")
    blocks.append("")
    for kind in kinds:
        pairs = {"directive": kind.name, "title": kind.title, "prefix": "", "color": "#DCE9EF", "style": "node"}
        blocks += ["[[needs.types]]", *(f"{key} = {json.dumps(value)}" for key, value in pairs.items()), ""]
    for name, schema in sorted(_fields(kinds).items()):
        shown = ", ".join(f"{key} = {_toml(value)}" for key, value in schema.items())
        blocks.append(
            f"[needs.fields.{name}]\nnullable = true\nparse_dynamic_functions = false\nparse_variants = false\nschema = {{ {shown} }}\n"
        )
    for name in sorted({link.name for kind in kinds for link in kind.links}):
        words = name.replace("_", " ")
        blocks.append(f"[needs.links.{name}]\noutgoing = {json.dumps(words)}\nincoming = {json.dumps(f'{words} (from)')}\n")
    return "\n".join(blocks)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)


def _fields(kinds: tuple[ItemKind, ...]) -> dict[str, dict[str, Any]]:
    """Return name and type of every field that sphinx-needs does not have by itself."""
    fields: dict[str, dict[str, Any]] = {
        "trace_id": {"type": "string"},
        "trace_title": {"type": "string"},
        "trace_order": {"type": "integer"},
        "trace_link_order": _JSON_TYPES[ValueType.TEXTS],
    }
    for kind in kinds:
        for attribute in kind.attributes:
            name = field_names(kinds)[kind.name, attribute.name]
            if name not in OWN_MEANING:
                fields[name] = _json_type(attribute)
    return fields


def _json_type(attribute: Attribute) -> dict[str, Any]:
    return _JSON_TYPES.get(attribute.type, {"type": "string"})


@cache
def field_names(kinds: tuple[ItemKind, ...]) -> dict[tuple[str, str], str]:
    """Return the name in the file of each attribute: (kind, attribute) to name."""
    shapes: dict[str, set[str]] = {}
    for kind in kinds:
        for attribute in kind.attributes:
            shapes.setdefault(attribute.name, set()).add(json.dumps(_json_type(attribute)))
    links = {link.name for kind in kinds for link in kind.links}
    taken = TAKEN | links | {name for name, found in shapes.items() if len(found) > 1}
    return {(kind.name, each.name): _field_name(kind, each, taken) for kind in kinds for each in kind.attributes}


def _field_name(kind: ItemKind, attribute: Attribute, taken: frozenset[str]) -> str:
    if attribute.type is ValueType.TEXT and not attribute.optional and attribute.name in ("text", "title", "status"):
        return {"text": "content"}.get(attribute.name, attribute.name)
    name = attribute.name.replace(".", "_")
    return f"{kind.name}_{name}" if name in taken else name


def need_id(name: str) -> str:
    """Return the id of an item in the file.

    >>> need_id("SRS-001"), need_id("TC:polarity.feature::A scenario")
    ('SRS-001', 'TC-DC1DFF9F77')
    """
    return name if ID.fullmatch(name) else f"TC-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:10].upper()}"


def _need(document: Document, item: Item, targets: Mapping[tuple[str, str], tuple[str, ...]]) -> dict[str, Any]:
    kind, names = document.kind(item.kind), field_names(document.kinds)
    name = need_id(item.id)
    need: dict[str, Any] = {"id": name, "type": kind.name, "title": " ".join(kind.label(item).split()) or item.id}
    if name != item.id:
        need["trace_id"] = item.id
    for attribute in kind.attributes:
        value, field = item.values.get(attribute.name), names[kind.name, attribute.name]
        if value is not None:
            need[field] = escape(str(value)) if field == "content" else list(value) if isinstance(value, tuple) else value
    for link in kind.links:
        need[link.name] = [need_id(target) for target in targets.get((item.id, link.name), ())]
    unsorted = [
        f"{link.name} {target}" for link in kind.links for target in need[link.name] if need[link.name] != sorted(need[link.name])
    ]
    exact = {"trace_title": need["title"], "title": disarmed(need["title"])} if disarmed(need["title"]) != need["title"] else {}
    return need | exact | ({"trace_link_order": unsorted} if unsorted else {})


def disarmed(title: str) -> str:
    r"""Return a title in which sphinx-needs finds no function to run and no variant to choose: it looks for both in every title.

    >>> disarmed("[[copy('id')]]") == "[\u200b[copy('id')]]"
    True
    """
    return _FUNCTION_OR_VARIANT.sub("\\g<0>\u200b", title)


def escape(text: str) -> str:
    r"""Return a text that the markup parser gives back as it is; several lines become a line block.

    >>> escape("a *b* `c`_")
    'a \\*b\\* \\`c\\`\\_'
    """
    plain = _MARKUP.sub(r"\\\g<0>", text)
    return "| " + plain.replace("\n", "\n| ") if "\n" in plain else plain


def unescape(text: str) -> str:
    r"""Return what was escaped: ``unescape(escape(text)) == text``.

    >>> unescape('a \\*b\\* \\`c\\`\\_')
    'a *b* `c`_'
    """
    plain = text[2:].replace("\n| ", "\n") if text.startswith("| ") else text
    return _ESCAPED.sub(r"\1", plain)


def load(content: bytes, where: str, kinds: tuple[ItemKind, ...]) -> Document:
    """Return the document that a needs.json holds, be it ours or what sphinx-needs wrote after loading it.

    Raises:
        ExchangeError: EXC-ENCODING, EXC-JSON, EXC-FOREIGN, and everything that `read_back` finds.
    """
    needs = _needs(_parsed(content, where), where)
    problems: list[Problem] = []
    items, links = [], []
    ids = {key: _trace_id(key, need) for key, need in needs.items()}
    for key, need in needs.items():
        place = f"{where}:{key}"
        item, own_links = _read(kinds, need, ids, place, problems)
        items.append((item, place))
        links += [(link, place) for link in own_links]
    if problems:
        raise ExchangeError(problems)
    return read_back(kinds, items, links)


def _parsed(content: bytes, where: str) -> Any:
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_each_once)
    except UnicodeDecodeError as err:
        raise refusal("EXC-ENCODING", where, "needs.json", f"byte {err.start} that is not UTF-8") from err
    except _TwiceError as err:
        raise refusal("EXC-DUPLICATE-ID", where, str(err), f"the key {short(str(err))} a second time", "each key once") from err
    except (ValueError, RecursionError) as err:
        raise refusal("EXC-JSON", where, "needs.json", " ".join(str(err).split())[:120]) from err


class _TwiceError(Exception):
    """A key stands twice in one object."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError(next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return found


def _needs(content: Any, where: str) -> dict[str, dict[str, Any]]:
    try:
        needs = content["versions"][content["current_version"]]["needs"]
        sound = all(isinstance(need, dict) and isinstance(need.get("type"), str) for need in needs.values())
    except (KeyError, TypeError, AttributeError) as err:
        raise refusal("EXC-FOREIGN", where, "needs.json", "no versions with needs") from err
    if not sound:
        raise refusal("EXC-FOREIGN", where, "needs.json", "a need without a type")
    return dict(sorted(needs.items(), key=lambda pair: _order(pair[1])))


def _order(need: dict[str, Any]) -> int:
    """Return the place of a need; what a partner added comes last, in the order of the file."""
    order = need.get("trace_order")
    return order if isinstance(order, int) else sys.maxsize


def _trace_id(key: str, need: dict[str, Any]) -> str:
    return str(need.get("trace_id") or key)


def _read(
    kinds: tuple[ItemKind, ...], need: dict[str, Any], ids: dict[str, str], where: str, problems: list[Problem]
) -> tuple[Item, list[ItemLink]]:
    kind = next((each for each in kinds if each.name == need["type"]), ItemKind(need["type"], "", (), ()))
    name = ids.get(str(need.get("id", "")), "")
    fields = {field: attribute for (owner, attribute), field in field_names(kinds).items() if owner == kind.name}
    links = [link.name for link in kind.links]
    exact = need.get("trace_title")
    if isinstance(exact, str) and disarmed(exact) == need.get("title"):
        need = {**need, "title": exact}
    values: dict[str, Value] = {}
    for attribute in kind.attributes:
        values[attribute.name] = _value(attribute, need.get(field_names(kinds)[kind.name, attribute.name]))
    foreign = _all_fields(kinds)
    if not kind.attributes:
        return Item(name, kind.name, {}), []
    for key in need.keys() - fields.keys() - set(links) - TAKEN - OWN_MEANING - {"id"}:
        if need[key] not in (None, "", []) and not (key.endswith("_back") or key in _COMPUTED):
            known = "an attribute of another kind" if key in foreign else "the attribute"
            problems.append(problem("EXC-ATTRIBUTE", where, name, found=f"{known} {short(key)}"))
    found = [ItemLink(link, name, ids.get(target, target)) for link in links for target in _targets(need, link)]
    return Item(name, kind.name, values), found


def _targets(need: dict[str, Any], link: str) -> list[str]:
    """Return the targets of a link in the order that was exported, further ones after them."""
    order = {text: place for place, text in enumerate(need.get("trace_link_order") or ())}
    targets = [str(target) for target in need.get(link) or ()]
    return sorted(targets, key=lambda target: order.get(f"{link} {target}", len(order)))


_COMPUTED = frozenset(
    {
        "constraints_error",
        "constraints_passed",
        "constraints_results",
        "full_title",
        "has_dead_links",
        "has_forbidden_dead_links",
        "id_complete",
        "id_parent",
        "is_external",
        "jinja_content",
        "lineno_content",
        "type_color",
        "type_name",
        "type_prefix",
        "type_style",
        "post_content",
        "pre_content",
    }
)
"""What sphinx-needs adds when it writes the file itself."""


@cache
def _all_fields(kinds: tuple[ItemKind, ...]) -> frozenset[str]:
    return frozenset(field_names(kinds).values()) | {link.name for kind in kinds for link in kind.links}


def _value(attribute: Attribute, found: Any) -> Value:
    if found is None and attribute.type is ValueType.TEXTS and not attribute.optional:
        return ()
    if isinstance(found, list):
        return tuple(found)
    if attribute.name == "text" and isinstance(found, str):
        return unescape(found)
    return found  # type: ignore[no-any-return]  # judged by read_back
