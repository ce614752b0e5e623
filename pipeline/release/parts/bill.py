"""What both bills of materials share: the frame of a CycloneDX document, its text, and its check against the published schema.

The serial number follows from the content and the time is that of the source commit, so that a bill of the same commit is the same bytes.
Source: ECMA-424 (CycloneDX 1.6).
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pipeline.release.parts.components import refused
from pipeline.release.record.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "1.6"
SUPPLIER = {"name": "ThoraTrace maintainers (demonstration identity, no natural person)"}
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "thoratrace.invalid")
"""Of the serial numbers; the name belongs to nobody (RFC 6761)."""


def document(subject: Mapping[str, Any], parts: Mapping[str, Any], timestamp: str) -> bytes:
    """Return a bill as sorted, indented JSON, once the schema of CycloneDX takes it.

    Args:
        subject: the component that the bill is about.
        parts: ``components``, ``dependencies`` and what else the bill holds.
        timestamp: of the source commit, ISO 8601 in UTC.

    Raises:
        ReleaseRefused: ``REL-BILL-SCHEMA``, the document is no valid CycloneDX.
    """
    metadata = {
        "timestamp": timestamp,
        "lifecycles": [{"phase": "build"}],
        "authors": [{"name": SUPPLIER["name"]}],
        "supplier": SUPPLIER,
        "component": dict(subject),
    }
    content = {"bomFormat": "CycloneDX", "specVersion": VERSION, "version": 1, "metadata": metadata, **parts}
    serial = uuid.uuid5(NAMESPACE, digest(content))
    text = json.dumps({**content, "serialNumber": f"urn:uuid:{serial}"}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise refused("SCHEMA", str(subject["name"]), str(problem.data)[:300], "CycloneDX 1.6")
    return text.encode()


def properties(**values: str) -> list[dict[str, str]]:
    """Return properties of ours, those with a value, sorted.

    >>> properties(use="unused", soup="")
    [{'name': 'thoratrace:use', 'value': 'unused'}]
    """
    return [{"name": f"thoratrace:{name}", "value": value} for name, value in sorted(values.items()) if value]
