"""Steps on what is published of the interfaces: the JSON schemas, and the statements on DICOM and IHE as they are printed."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from pydicom import dcmwrite, uid
from pytest_bdd import given, parsers, then

from device_sw.dicom.reader import decode, open_file
from device_sw.errors import InputRefused
from verification.steps import encodings, films

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset

    from verification.steps.command import Run
    from verification.steps.dicom_objects import Written

_SCHEMAS = {
    "thoratrace/result/1": "docs/schemas/result.schema.json",
    "thoratrace/refusal/1": "docs/schemas/refusal.schema.json",
}
_TRACE = "device_sw/decision_trace.schema.json"


def _schema(repository: Path, path: str) -> jsonschema.Draft202012Validator:
    value = json.loads((repository / path).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(value)
    return jsonschema.Draft202012Validator(value)


def _faults(repository: Path, path: str, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:80]}" for error in _schema(repository, path).iter_errors(value)]


@then(
    parsers.parse(
        "{results:d} results and {records:d} records are valid under the schema that is published for what they name,"
        " and so is each decision trace"
    )
)
def _valid(run: Run, repository: Path, results: int, records: int) -> None:
    values = run.records()
    kinds = [value["schema"] for value in values.values()]
    expected = {"thoratrace/result/1": results, "thoratrace/refusal/1": records}
    assert {kind: kinds.count(kind) for kind in kinds} == expected, f"expected {expected}, observed {kinds}"
    for name, value in values.items():
        faults = _faults(repository, _SCHEMAS[value["schema"]], value)
        assert not faults, f"expected {name} valid, observed {faults}"
        traced = _faults(repository, _TRACE, value["trace"]) if "trace" in value else []
        assert not traced, f"expected the trace of {name} valid, observed {traced}"


_HARMS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a finding left out": lambda value: value["findings"].pop(),
    "a finding that is called normal": lambda value: value["findings"][0].update(state="normal"),
    "a mark without a box": lambda value: _marked(value)["detections"][0].pop("box"),
    "a finding without operating point": lambda value: value["findings"][0].pop("operating_point"),
    "no statement of status": lambda value: value.pop("statement"),
    "an unknown field": lambda value: value.update(patient="somebody"),
}


def _marked(value: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in value["findings"] if row["detections"])


@then(parsers.parse("its first result with {harm} is not valid under the published schema"))
def _invalid(run: Run, repository: Path, harm: str) -> None:
    value = copy.deepcopy(run.record("results", 1))
    assert not _faults(repository, _SCHEMAS[value["schema"]], value), "expected a valid result, observed faults"
    _HARMS[harm](value)
    assert _faults(repository, _SCHEMAS[value["schema"]], value), f"expected a result with {harm} refused, observed it valid"


@pytest.fixture(scope="session")
def published_statements(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Both statements as texts; made in a process of its own, since verification stands below the pipeline that builds documents."""
    folder = tmp_path_factory.mktemp("statements")
    command = [sys.executable, "-m", "pipeline.conformance_statements", str(repository), str(folder)]
    done = subprocess.run(command, cwd=repository, env={**os.environ}, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"expected the statements, observed {done.stderr[-400:]}"
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}


@given("the conformance statements as they are published", target_fixture="statements")
def _statements(published_statements: dict[str, str]) -> dict[str, str]:
    assert set(published_statements) == {"dicom-conformance", "ihe-integration"}, f"observed {sorted(published_statements)}"
    return published_statements


def _stated(text: str) -> set[str]:
    """Return every transfer syntax that the chapter on images states."""
    chapter = text.partition("## Images that are read")[2].partition("## Objects that are created")[0]
    found = {uid.UID(value) for value in re.findall(r"`(1\.2\.840\.10008\.[0-9.]+)`", chapter)}
    return {str(value) for value in found if value.is_transfer_syntax}


@then("a film of each transfer syntax that they state is read, and of every other one that DICOM knows is refused with IN-SYNTAX")
def _syntaxes(statements: dict[str, str], tmp_path: Path) -> None:
    stated = _stated(statements["dicom-conformance"])
    samples: dict[str, str] = {}
    for name, made in encodings.ENCODINGS.items():
        samples.setdefault(str(made().file_meta.TransferSyntaxUID), name)
    observed = {syntax: _reading(encodings.written(name, tmp_path / f"{syntax}.dcm")) for syntax, name in samples.items()}
    known = {str(value) for value, row in uid.UID_dictionary.items() if row[1] == "Transfer Syntax"}
    observed |= {
        syntax: _reading(_relabelled(syntax, tmp_path)) for syntax in known - set(samples) - {str(uid.ExplicitVRBigEndian)}
    }
    observed[str(uid.ExplicitVRBigEndian)] = _reading(_of_big_endian(tmp_path))
    assert len(stated) >= 12, f"expected a table of transfer syntaxes, observed {sorted(stated)}"
    read = {syntax for syntax, told in observed.items() if told == "read"}
    assert read == stated, f"expected exactly the stated ones read, observed {sorted(read ^ stated)} otherwise"
    others = {syntax: told for syntax, told in observed.items() if syntax not in stated and told != "IN-SYNTAX"}
    assert not others, f"expected IN-SYNTAX, observed {others}"


def _reading(path: Path) -> str:
    try:
        decode(open_file(path))
    except InputRefused as refusal:
        return refusal.code
    return "read"


def _of_big_endian(folder: Path) -> Path:
    """Write a film whose bytes are big endian, as it states."""
    path = folder / f"{uid.ExplicitVRBigEndian}.dcm"
    dataset = encodings.syntax(films.film(films.picture(64, 64)), uid.ExplicitVRBigEndian)
    dcmwrite(path, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
    return path


def _relabelled(syntax: str, folder: Path) -> Path:
    """Write a film whose file meta group names another transfer syntax than that of its bytes."""
    path = films.write(films.film(films.picture(64, 64)), folder / f"{syntax}.dcm")
    old, new = b"1.2.840.10008.1.2.1\0", syntax.encode() + b"\0" * (len(syntax) % 2)
    content = path.read_bytes()
    start = content.index(b"\x02\x00\x10\x00UI") + 6
    assert content[start + 2 :].startswith(old), "expected explicit little endian, observed another syntax"
    length = int.from_bytes(content[140:144], "little") + len(new) - len(old)
    rest = content[start + 2 + len(old) :]
    head = content[:140] + length.to_bytes(4, "little") + content[144:start]
    path.write_bytes(head + len(new).to_bytes(2, "little") + new + rest)
    return path


@then("its objects have SOP class, modality, series number and series description as both statements say, and none is missing")
def _objects(statements: dict[str, str], written: Written) -> None:
    assert set(written.objects) == {"sr", "gsps", "sc"}, f"expected three objects, observed {sorted(written.objects)}"
    for name, text in statements.items():
        chapter = text.partition("## Objects that are created" if name == "dicom-conformance" else "Created SOP classes")[2]
        chapter = chapter.partition("Repeated from the film" if name == "dicom-conformance" else "Codes of findings")[0]
        classes = set(re.findall(r"`(1\.2\.840\.10008\.5[0-9.]+)`", chapter))
        made = {str(each.SOPClassUID) for each in written.objects.values()}
        assert classes == made, f"expected {sorted(classes)} as {name} says, observed {sorted(made)}"
        for kind, each in written.objects.items():
            told = [each.Modality, str(each.SeriesNumber), each.SeriesDescription]
            lacking = [words for words in told if words not in chapter]
            assert not lacking, f"expected {told} of the {kind} in {name}, observed {lacking} missing"


def _codes(dataset: Dataset) -> Iterator[tuple[str, str, str]]:
    """Yield value, scheme and meaning of every coded concept, wherever it is nested."""
    if "CodeValue" in dataset:
        yield str(dataset.CodeValue), str(dataset.CodingSchemeDesignator), str(dataset.CodeMeaning)
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _codes(item)


@then("each coded concept of its structured report stands in the DICOM conformance statement with scheme and meaning")
def _concepts(statements: dict[str, str], written: Written) -> None:
    text = " ".join(statements["dicom-conformance"].replace("\\", "").split())
    found = sorted({code for item in written.object("sr").ContentSequence for code in _codes(item)})
    assert len(found) > 25, f"expected the concepts of a report, observed {len(found)}"
    absent = [code for code in found if not (f"`{code[0]}`" in text and code[1] in text and code[2] in text)]
    assert not absent, f"expected every concept in the statement, observed {absent} missing"


@then(
    "both say that the device is not cleared, opens no network connection, and was tested at no Connectathon or claims no association"
)
def _claims(statements: dict[str, str]) -> None:
    for name, text in statements.items():
        plain = text.replace("*", "").lower()
        assert "not cleared, not for clinical use" in plain, f"expected the status in {name}, observed none"
        assert "opens no" in plain, f"expected no connection in {name}, observed {plain[:200]!r}"
    assert "claims no association" in statements["dicom-conformance"], "expected no association claimed, observed none of it"
    assert "No profile was tested at a Connectathon" in statements["ihe-integration"], "expected no test claimed, observed one"
