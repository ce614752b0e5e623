"""A document as ReqIF and back: typed attributes, relations, and one specification for each kind that keeps the order.

Written here, because the `reqif` library writes a line break of an attribute as a plain one, which every XML parser then reads as a space; read with the
library, after a parser of our own has refused document types and entities. Attributes and types are found by their long names: tools that
work on a file make new identifiers, and keep the names.

Source: OMG ReqIF 1.2 (whose schema fixes the version in the header to 1.0); the names ReqIF.ForeignID, ReqIF.Name and ReqIF.Text are those of the ReqIF implementation guide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import etree
from reqif.models.reqif_types import SpecObjectAttributeType
from reqif.parser import ReqIFParser

from verification.trace.codes import problem
from verification.trace.exchange.document import Attribute, Item, ItemKind, ItemLink, ValueType, read_back, short
from verification.trace.exchange.errors import ExchangeError, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reqif.models.reqif_req_if_content import ReqIFReqIFContent
    from reqif.models.reqif_spec_object import ReqIFSpecObject, SpecObjectAttribute

    from requirements_spec.problem import Problem
    from verification.trace.exchange.document import Document, Value

NAMESPACE = "http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"
XHTML = "http://www.w3.org/1999/xhtml"
DATE = "1980-01-01T00:00:00Z"
"""ReqIF asks for a time of the last change on everything; the file holds this one, so that equal documents give equal bytes."""
TOOL = "ThoraTrace"
TYPE_PREFIX = "ThoraTrace "
"""Before the kind in the long name of a type, so that no foreign type is taken for ours."""
FOREIGN_ID = "ReqIF.ForeignID"
STANDARD_NAMES = {"id": FOREIGN_ID, "title": "ReqIF.Name", "text": "ReqIF.Text"}

_TYPES = {ValueType.TEXTS: "XHTML", ValueType.WHOLE: "INTEGER", ValueType.FLAG: "BOOLEAN", ValueType.CHOICE: "ENUMERATION"}
_PLAIN = {
    "STRING": {"MAX-LENGTH": "2147483647"},
    "XHTML": {},
    "INTEGER": {"MIN": "-9223372036854775808", "MAX": "9223372036854775807"},
    "BOOLEAN": {},
}
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_WHOLE = re.compile(r"[+-]?\d{1,19}")


def export(document: Document) -> bytes:
    """Return the file; equal documents give equal bytes.

    Raises:
        ExchangeError: EXC-CHARACTER, a character that XML cannot hold.
    """
    problems = tuple(_unfit(document))
    if problems:
        raise ExchangeError(problems)
    root = etree.Element("REQ-IF", nsmap={None: NAMESPACE, "xhtml": XHTML})
    _header(root)
    content = _within(_within(root, "CORE-CONTENT"), "REQ-IF-CONTENT")
    _datatypes(content, document.kinds)
    _spec_types(content, document.kinds)
    references = {item.id: f"SO-{number}" for number, item in enumerate(document.items, start=1)}
    _spec_objects(content, document, references)
    _spec_relations(content, document, references)
    _specifications(content, document, references)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def _unfit(document: Document) -> Iterator[Problem]:
    for item in document.items:
        for name, value in (("id", item.id), *item.values.items()):
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str) and (found := _UNFIT.search(text)):
                    yield problem("EXC-CHARACTER", "export", item.id, found=f"U+{ord(found[0]):04X} in {name}")
                elif isinstance(text, int) and not isinstance(text, bool) and not -(2**63) <= text < 2**63:
                    yield problem("EXC-TOO-LONG", "export", item.id, found=f"{name} = {text}", expected="a number of 64 bits")


def _within(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, tag, {name.replace("_", "-").upper(): value for name, value in attributes.items()})
    child.text = text
    return child


def _known(parent: etree._Element, tag: str, identifier: str, long_name: str, **attributes: str) -> etree._Element:
    return _within(parent, tag, identifier=identifier, last_change=DATE, long_name=long_name, **attributes)


def _header(root: etree._Element) -> None:
    header = _within(_within(root, "THE-HEADER"), "REQ-IF-HEADER", identifier="thoratrace")
    for tag, text in (
        ("CREATION-TIME", DATE),
        ("REQ-IF-TOOL-ID", TOOL),
        ("REQ-IF-VERSION", "1.0"),
        ("SOURCE-TOOL-ID", TOOL),
        ("TITLE", "ThoraTrace specification, risk file and scenarios"),
    ):
        _within(header, tag, text)


def _datatypes(content: etree._Element, kinds: Iterable[ItemKind]) -> None:
    datatypes = _within(content, "DATATYPES")
    for name, limits in _PLAIN.items():
        element = _known(datatypes, f"DATATYPE-DEFINITION-{name}", f"DT-{name}", name.lower())
        element.attrib.update(limits)
    for kind in kinds:
        for attribute in kind.attributes:
            if attribute.type is ValueType.CHOICE:
                _enumeration(datatypes, kind, attribute)


def _enumeration(datatypes: etree._Element, kind: ItemKind, attribute: Attribute) -> None:
    name = f"{kind.name}.{attribute.name}"
    values = _within(_known(datatypes, "DATATYPE-DEFINITION-ENUMERATION", f"DT-{name}", name), "SPECIFIED-VALUES")
    for number, choice in enumerate(attribute.choices):
        value = _known(values, "ENUM-VALUE", _choice_id(kind, attribute, choice), choice)
        _within(_within(value, "PROPERTIES"), "EMBEDDED-VALUE", key=str(number), other_content=choice)


def _choice_id(kind: ItemKind, attribute: Attribute, choice: str) -> str:
    return f"EV-{kind.name}.{attribute.name}.{attribute.choices.index(choice)}"


def _spec_types(content: etree._Element, kinds: Iterable[ItemKind]) -> None:
    spec_types = _within(content, "SPEC-TYPES")
    relations: dict[str, None] = {}
    for kind in kinds:
        definitions = _within(
            _known(spec_types, "SPEC-OBJECT-TYPE", f"ST-{kind.name}", f"{TYPE_PREFIX}{kind.name}", desc=kind.title),
            "SPEC-ATTRIBUTES",
        )
        for each in (_ID, *kind.attributes):
            _definition(definitions, kind, each)
        relations |= dict.fromkeys(link.name for link in kind.links)
    for name in relations:
        _known(spec_types, "SPEC-RELATION-TYPE", f"RT-{name}", f"{TYPE_PREFIX}{name}")
    _known(spec_types, "SPECIFICATION-TYPE", "YT-kind", f"{TYPE_PREFIX}items of one kind")


_ID = Attribute("id", ValueType.TEXT)


def _definition(parent: etree._Element, kind: ItemKind, attribute: Attribute) -> None:
    name, shape = attribute.name, _TYPES.get(attribute.type, "STRING")
    datatype = f"DT-{kind.name}.{name}" if attribute.type is ValueType.CHOICE else f"DT-{shape}"
    more = {"multi_valued": "false"} if attribute.type is ValueType.CHOICE else {}
    long_name = STANDARD_NAMES.get(name, name)
    element = _known(parent, f"ATTRIBUTE-DEFINITION-{shape}", f"AD-{kind.name}.{name}", long_name, **more)
    _within(_within(element, "TYPE"), f"DATATYPE-DEFINITION-{shape}-REF", datatype)


def _spec_objects(content: etree._Element, document: Document, references: Mapping[str, str]) -> None:
    spec_objects = _within(content, "SPEC-OBJECTS")
    for item in document.items:
        kind = document.kind(item.kind)
        element = _within(spec_objects, "SPEC-OBJECT", identifier=references[item.id], last_change=DATE)
        values = _within(element, "VALUES")
        _plain_value(values, kind, "id", "STRING", item.id)
        for attribute in kind.attributes:
            value = item.values.get(attribute.name)
            if value is not None:
                _attribute_value(values, kind, attribute, value)
        _within(_within(element, "TYPE"), "SPEC-OBJECT-TYPE-REF", f"ST-{kind.name}")


def _attribute_value(values: etree._Element, kind: ItemKind, attribute: Attribute, value: Value) -> None:
    match attribute.type:
        case ValueType.TEXTS if isinstance(value, tuple):
            element = _within(values, "ATTRIBUTE-VALUE-XHTML")
            _reference(element, kind, attribute.name, "XHTML")
            _listing(_within(element, "THE-VALUE"), value)
        case ValueType.CHOICE:
            element = _within(values, "ATTRIBUTE-VALUE-ENUMERATION")
            _reference(element, kind, attribute.name, "ENUMERATION")
            _within(_within(element, "VALUES"), "ENUM-VALUE-REF", _choice_id(kind, attribute, str(value)))
        case ValueType.FLAG:
            _plain_value(values, kind, attribute.name, "BOOLEAN", "true" if value else "false")
        case _:
            _plain_value(values, kind, attribute.name, _TYPES.get(attribute.type, "STRING"), str(value))


def _plain_value(values: etree._Element, kind: ItemKind, name: str, shape: str, text: str) -> None:
    _reference(_within(values, f"ATTRIBUTE-VALUE-{shape}", the_value=text), kind, name, shape)


def _reference(element: etree._Element, kind: ItemKind, name: str, shape: str) -> None:
    _within(_within(element, "DEFINITION"), f"ATTRIBUTE-DEFINITION-{shape}-REF", f"AD-{kind.name}.{name}")


def _listing(element: etree._Element, texts: tuple[str, ...]) -> None:
    """Write a list as XHTML: an entry is a list item, so that no text in it can be taken for the next entry."""
    block = etree.SubElement(element, f"{{{XHTML}}}div")
    if texts:
        listing = etree.SubElement(block, f"{{{XHTML}}}ul")
        for text in texts:
            etree.SubElement(listing, f"{{{XHTML}}}li").text = text


def _spec_relations(content: etree._Element, document: Document, references: Mapping[str, str]) -> None:
    relations = _within(content, "SPEC-RELATIONS")
    for number, link in enumerate(document.links, start=1):
        element = _within(relations, "SPEC-RELATION", identifier=f"SR-{number}", last_change=DATE)
        _within(_within(element, "TARGET"), "SPEC-OBJECT-REF", references[link.target])
        _within(_within(element, "SOURCE"), "SPEC-OBJECT-REF", references[link.source])
        _within(_within(element, "TYPE"), "SPEC-RELATION-TYPE-REF", f"RT-{link.name}")


def _specifications(content: etree._Element, document: Document, references: Mapping[str, str]) -> None:
    specifications = _within(content, "SPECIFICATIONS")
    for name, items in document.by_kind().items():
        element = _known(specifications, "SPECIFICATION", f"SP-{name}", document.kind(name).title)
        _within(_within(element, "TYPE"), "SPECIFICATION-TYPE-REF", "YT-kind")
        children = _within(element, "CHILDREN")
        for item in items:
            node = _within(children, "SPEC-HIERARCHY", identifier=f"SH-{references[item.id]}", last_change=DATE)
            _within(_within(node, "OBJECT"), "SPEC-OBJECT-REF", references[item.id])


def load(content: bytes, where: str, kinds: tuple[ItemKind, ...]) -> Document:
    """Return the document that a ReqIF file holds.

    Raises:
        ExchangeError: EXC-ENCODING, EXC-XML, EXC-ENTITY, EXC-REQIF, EXC-FOREIGN, and everything that `read_back` finds.
    """
    text = _checked(content, where)
    try:
        body = ReqIFParser.parse_from_string(text)
        parsed = body.core_content.req_if_content
        return _document(parsed, where, kinds)
    except ExchangeError:
        raise
    except Exception as err:  # the library answers unknown content with assertions, key errors and NotImplementedError
        found = f"{type(err).__name__}: {' '.join(str(err).split())[:120]}"
        raise refusal("EXC-REQIF", where, "REQ-IF", found) from err


def _checked(content: bytes, where: str) -> str:
    """Return the text of a file that is UTF-8, well-formed, and free of document types and entities."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise refusal("EXC-ENCODING", where, "REQ-IF", f"byte {err.start} that is not UTF-8") from err
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise refusal("EXC-ENTITY", where, "REQ-IF", "a document type declaration")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as err:
        raise refusal("EXC-XML", f"{where}:{err.lineno or 1}", "REQ-IF", " ".join(str(err).split())[:160]) from err
    if etree.QName(root).localname != "REQ-IF":
        raise refusal("EXC-FOREIGN", where, "REQ-IF", f"the root element {short(etree.QName(root).localname)}", "REQ-IF")
    return text


def _document(parsed: ReqIFReqIFContent, where: str, kinds: tuple[ItemKind, ...]) -> Document:
    known = {f"{TYPE_PREFIX}{kind.name}": kind for kind in kinds}
    types = {each.identifier: each for each in parsed.spec_types or () if type(each).__name__ == "ReqIFSpecObjectType"}
    problems: list[Problem] = []
    items: list[tuple[Item, str]] = []
    ids: dict[str, str] = {}
    choices = _choices(parsed)
    for spec_object in _ordered(parsed):
        kind_type = types.get(spec_object.spec_object_type)
        kind = known.get(str(getattr(kind_type, "long_name", "")))
        place = _place(spec_object, where)
        if kind is None or kind_type is None:
            found = f"an object of the type {short(getattr(kind_type, 'long_name', None))}"
            problems.append(problem("EXC-FOREIGN", place, spec_object.identifier, found=found))
            continue
        names = {each.identifier: each.long_name for each in kind_type.attribute_definitions or ()}
        item = _item(kind, spec_object, names, choices)
        ids[spec_object.identifier] = item.id
        items.append((item, place))
    links = list(_links(parsed, where, ids))
    if problems:
        raise ExchangeError(problems)
    return read_back(kinds, items, links)


def _ordered(parsed: ReqIFReqIFContent) -> list[ReqIFSpecObject]:
    """Return the objects in the order of the specifications' hierarchies; what stands in none comes last."""
    place: dict[str, int] = {}
    waiting = [node for specification in reversed(parsed.specifications or []) for node in reversed(specification.children or [])]
    while waiting:
        node = waiting.pop()
        place.setdefault(node.spec_object, len(place))
        waiting += reversed(node.children or [])
    return sorted(parsed.spec_objects or [], key=lambda each: place.get(each.identifier, len(place)))


def _place(element: Any, where: str) -> str:
    return f"{where}:{element.xml_node.sourceline}" if element.xml_node is not None else where


def _choices(parsed: ReqIFReqIFContent) -> dict[str, str]:
    """Return the word of each enumeration value, by its identifier."""
    return {
        value.identifier: str(value.long_name or value.other_content or "")
        for datatype in parsed.data_types or ()
        for value in getattr(datatype, "values", None) or ()
    }


def _item(kind: ItemKind, spec_object: ReqIFSpecObject, names: Mapping[str, str | None], choices: Mapping[str, str]) -> Item:
    own_names = {STANDARD_NAMES.get(each.name, each.name): each.name for each in kind.attributes}
    found: dict[str, Value] = {}
    name = ""
    for each in spec_object.attributes:
        long_name = str(names.get(each.definition_ref) or each.definition_ref)
        if long_name == FOREIGN_ID:
            name = str(each.value)
        else:
            found[own_names.get(long_name, long_name)] = _value(each, choices)
    lists = {each.name: () for each in kind.attributes if each.type is ValueType.TEXTS and not each.optional}
    unset = {each.name: None for each in kind.attributes}
    return Item(name, kind.name, {**unset, **lists, **found})


def _value(attribute: SpecObjectAttribute, choices: Mapping[str, str]) -> Value:
    value = attribute.value
    match attribute.attribute_type:
        case SpecObjectAttributeType.INTEGER:
            return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value.strip()) else str(value)
        case SpecObjectAttributeType.BOOLEAN:
            return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip(), str(value))
        case SpecObjectAttributeType.ENUMERATION:
            words = [choices.get(each, each) for each in value]
            return words[0] if len(words) == 1 else tuple(words) or None
        case SpecObjectAttributeType.XHTML:
            return _entries(attribute.xml_node)
        case _:
            return str(value)


def _entries(element: etree._Element) -> Value:
    """Return the list items of an XHTML value; a value that holds text and no list is that text."""
    entries = tuple("".join(entry.itertext()) for entry in element.iter(f"{{{XHTML}}}li"))
    text = "".join(element.find("THE-VALUE").itertext())
    return entries if entries or not text.strip() else text


def _links(parsed: ReqIFReqIFContent, where: str, ids: Mapping[str, str]) -> Iterator[tuple[ItemLink, str]]:
    names = {each.identifier: str(each.long_name).removeprefix(TYPE_PREFIX) for each in parsed.spec_types or ()}
    for relation in parsed.spec_relations or ():
        source, target = (ids.get(end, end) for end in (relation.source, relation.target))
        name = names.get(relation.relation_type_ref, relation.relation_type_ref)
        yield ItemLink(name, source, target), _place(relation, where)
