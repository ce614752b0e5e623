"""Harms to the pipeline's lock, the model, the figures, the protocol and the cohort: what the evidence rests on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from verification.trace.assembly import VALIDATION
from verification.trace.lineage import read_lock
from verification.trace.mutants.mutant import Change, Form, Mutant, Operator, Part, Sign
from verification.trace.mutants.operators.signs import obligation
from verification.trace.mutants.project import PROTOCOL, Project
from verification.trace.mutants.toml_text import TomlText
from verification.trace.slices import SLICES
from verification.trace.validated_build import COHORT, PARAMS, PREDICTIONS, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

Places = Callable[[Project], Iterator[Mutant]]
"""What an operator is applied to."""

BUNDLE = "artifacts/bundle"
STAGES = SLICES["verification"].stages


def _locked(project: Project) -> Iterator[tuple[str, str, str, str]]:
    """Yield stage, side, path and MD5 of every claim of the lock."""
    lock = read_lock(project.root)
    for stage in STAGES:
        for side in ("deps", "outs"):
            yield from ((stage, side, str(item["path"]), str(item.get("md5", ""))) for item in lock[stage].get(side) or ())


def _claims(project: Project) -> Iterator[Mutant]:
    for stage, side, path, md5 in _locked(project):
        yield Mutant("lock-claim-altered", f"{stage} {side} {path}", partial(_claim_altered, stage, side, path, md5))


def _claim_altered(stage: str, side: str, path: str, md5: str, project: Project) -> Change:
    """Let the lock state another hash for one input or output of one stage.

    An output that is too large to be hashed is compared with what the stages after it read.
    """
    altered = ("0" if md5[0] != "0" else "1") + md5[1:]
    stages = read_lock(project.root)
    for item in stages[stage][side]:
        if item["path"] == path:
            item["md5"] = altered
    text = yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)
    readers = [name for name, where, other, _ in _locked(project) if where == "deps" and other == path]
    named = [stage] if side == "deps" or not readers else [*readers]
    return Change({"dvc.lock": text}, tuple(Sign("TRC-PIPELINE-STALE", "dvc.lock", f"stage {name}", path) for name in named))


def _bundle_files(project: Project) -> Iterator[Mutant]:
    for path in sorted((project.root / BUNDLE).iterdir()):
        name = path.relative_to(project.root).as_posix()
        yield Mutant("bundle-altered", f"{name} one byte more", partial(_byte_added, name))
        yield Mutant("bundle-altered", f"{name} removed", partial(_file_removed, name))


def _byte_added(name: str, project: Project) -> Change:
    """Change a file of the model that was tested; the weights have a hash of their own in the manifest."""
    content = (project.root / name).read_bytes() + b"\n"
    sign = Sign("TRC-PIPELINE-STALE", "dvc.lock", "stage package", f"output {BUNDLE}")
    signs = (sign, Sign("TRC-IDENTITY-UNKNOWN", "dvc.lock", "verification")) if name.endswith("/weights.safetensors") else (sign,)
    return Change({name: content}, signs)


def _file_removed(name: str, _: Project) -> Change:
    return Change({name: None}, (Sign("TRC-PIPELINE-STALE", "dvc.lock", "stage package", f"output {BUNDLE}"),))


def _statements(_: Project) -> Iterator[Mutant]:
    """Let a file of figures name another build; the lock is made to agree."""
    for file, path in ((VALIDATION, ("device",)), (PREDICTIONS, ())):
        for name in ("device_version", "model_version", "bundle_sha256"):
            yield Mutant("figures-of-another-build", f"{file} {name}", partial(_restated, file, path, name))
    yield Mutant("figures-of-another-build", f"{BUNDLE}/manifest.json model_version", _renamed_model)
    yield Mutant("figures-of-another-build", VERSION, _renamed_device)
    yield Mutant("figures-of-another-build", PARAMS, _renamed_parameter)


def _restated(file: str, path: tuple[str, ...], name: str, project: Project) -> Change:
    data = json.loads(project.text(file))
    table = data
    for key in path:
        table = table[key]
    table[name] = "9.9.9" if "version" in name else "0" * 64
    return Change({file: json.dumps(data)}, (Sign("TRC-FIGURES-BUILD", file, name),), Form.RECORDED)


def _renamed_model(project: Project) -> Change:
    file = f"{BUNDLE}/manifest.json"
    data = {**json.loads(project.text(file)), "model_version": "9.9.9"}
    return Change({file: json.dumps(data)}, (Sign("TRC-FIGURES-BUILD", file, "model_version"),))


def _renamed_device(project: Project) -> Change:
    text = re.sub(r'(?m)^__version__ = ".*"$', '__version__ = "9.9.9"', project.text(VERSION))
    return Change({VERSION: text}, (Sign("TRC-FIGURES-BUILD", VALIDATION, "device_version"),), Form.RECORDED)


def _renamed_parameter(project: Project) -> Change:
    text = re.sub(r"(?m)^model_version: .*$", "model_version: 9.9.9", project.text(PARAMS))
    return Change({PARAMS: text}, (Sign("TRC-FIGURES-BUILD", f"{BUNDLE}/manifest.json", "model_version"),))


def _endpoints(project: Project) -> list[dict[str, Any]]:
    return list(json.loads(project.text(VALIDATION))["endpoints"])


def _with_endpoints(project: Project, endpoints: list[dict[str, Any]], sign: Sign) -> Change:
    """Return a validation record with other endpoints, locked again and with a repeated run."""
    data = {**json.loads(project.text(VALIDATION)), "endpoints": endpoints}
    return Change({VALIDATION: json.dumps(data)}, (sign,), Form.RECORDED)


def _endpoint_mutants(project: Project) -> Iterator[Mutant]:
    name = "endpoint-altered"
    for index, each in enumerate(_endpoints(project)):
        item = f"VE:{each['id']}"
        where = project.inputs.build.places.get(str(each["id"]), VALIDATION)
        for key, value in _OTHER.items():
            sign = Sign("TRC-ENDPOINT-PROTOCOL", where, item, key)
            yield Mutant(name, f"{item} {key}", partial(_endpoint_changed, index, {key: value(each[key])}, sign))
        dangling = Sign("TRC-ENDPOINT-REQUIREMENT", VALIDATION, item)
        yield Mutant(name, f"{item} of nobody", partial(_endpoint_changed, index, {"requirement": "SRS-999999"}, dangling))
        worse = _missed(each)
        recount = Sign("TRC-ENDPOINT-RECOUNT", VALIDATION, item)
        yield Mutant(name, f"{item} missed, said to be met", partial(_endpoint_changed, index, worse, recount))
        if each["primary"]:
            failed = Sign("TRC-ENDPOINT-FAILED", VALIDATION, item)
            yield Mutant(name, f"{item} missed", partial(_endpoint_changed, index, {**worse, "passed": False}, failed))
            undefined = {"value": None, "interval": None, "passed": False, "reason": "undefined"}
            yield Mutant(name, f"{item} undefined", partial(_endpoint_changed, index, undefined, failed))
        gone = Sign("TRC-ENDPOINT-PROTOCOL", where, item)
        yield Mutant(name, f"{item} left out", partial(_endpoint_left_out, index, gone))
        yield Mutant(name, f"{item} doubled under another name", partial(_endpoint_added, index))
    missing = Sign("TRC-ENDPOINT-MISSING", VALIDATION, "validation")
    yield Mutant(name, "no record", lambda _: Change({VALIDATION: None}, (missing,)))
    yield Mutant(name, "half a record", lambda own: Change({VALIDATION: own.text(VALIDATION)[:500]}, (missing,)))


_OTHER: Mapping[str, Callable[[Any], Any]] = {
    "metric": lambda value: f"{value}.another",
    "direction": lambda value: "at-most" if value != "at-most" else "at-least",
    "threshold": lambda value: value - 0.1,
    "bound": lambda value: "upper" if value != "upper" else "point",
    "primary": lambda value: not value,
    "requirement": lambda value: "SRS-001" if value != "SRS-001" else "SRS-002",
}
"""Another value of each field that an endpoint repeats from the protocol."""


def _missed(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures that miss an endpoint's threshold, whichever bound is compared."""
    value = endpoint["threshold"] + (0.2 if endpoint["direction"] == "at-most" else -0.2)
    return {"value": value, "interval": {"low": value, "high": value}}


def _endpoint_changed(index: int, changes: dict[str, Any], sign: Sign, project: Project) -> Change:
    found = _endpoints(project)
    found[index] = {**found[index], **changes}
    return _with_endpoints(project, found, sign)


def _endpoint_left_out(index: int, sign: Sign, project: Project) -> Change:
    found = _endpoints(project)
    return _with_endpoints(project, found[:index] + found[index + 1 :], sign)


def _endpoint_added(index: int, project: Project) -> Change:
    found = _endpoints(project)
    name = f"{found[index]['id']}-again"
    return _with_endpoints(
        project, [*found, {**found[index], "id": name}], Sign("TRC-ENDPOINT-PROTOCOL", VALIDATION, f"VE:{name}")
    )


def _protocol_mutants(project: Project) -> Iterator[Mutant]:
    """Make the protocol easier at every place where it can be, and run the validation again by it."""
    data = project.toml(PROTOCOL).data
    for number, one in enumerate(data["set"]):
        owner = f"protocol {one['profile']}/{'+'.join(one['budgets'])}"
        yield from _endpoint_of_protocol(f"$.set[{number}]", owner, one)
    for section in ("analysis", "locked"):
        for key, value in data.get(section, {}).items():
            yield Mutant("protocol-eased", f"{section} {key}", partial(_analysis_eased, section, key, value))
    for key, value in data.get("subgroups", {}).items():
        if isinstance(value, list):
            for each in value:
                yield Mutant("protocol-eased", f"subgroup {each}", partial(_subgroup_dropped, key, each))
        else:
            yield Mutant("protocol-eased", f"subgroups {key}", partial(_analysis_eased, "subgroups", key, value))


def _endpoint_of_protocol(path: str, owner: str, one: Mapping[str, Any]) -> Iterator[Mutant]:
    for number, endpoint in enumerate(one["endpoint"]):
        item = f"{owner} {endpoint['id']}"
        here = f"{path}.endpoint[{number}]"
        yield Mutant("protocol-eased", f"{item} threshold", partial(_threshold_loosened, here, item, endpoint))
        for key in ("direction", "bound", "metric"):
            yield Mutant("protocol-eased", f"{item} {key}", partial(_judged_otherwise, here, item, key, endpoint[key]))
        if endpoint["primary"]:
            yield Mutant("protocol-eased", f"{item} primary", partial(_no_longer_primary, here, item))
        yield Mutant("protocol-eased", f"{item} removed", partial(_endpoint_removed, here, item))


def _eased(text: str, path: str, item: str, aspect: str, member: str = "") -> Change:
    where = f"{PROTOCOL}:{TomlText(text).line(path)}"
    return Change({PROTOCOL: text}, (obligation("OBL-THRESHOLD", where, item, aspect, member),), Form.RECORDED)


def _threshold_loosened(path: str, item: str, endpoint: Mapping[str, Any], project: Project) -> Change:
    at_most = endpoint["direction"] == "at-most"
    text = project.toml(PROTOCOL).with_value(f"{path}.threshold", endpoint["threshold"] + (0.01 if at_most else -0.01))
    aspect = "threshold at most" if at_most else "threshold at least"
    return _eased(text, f"{path}.threshold", item, aspect)


def _judged_otherwise(path: str, item: str, key: str, value: str, project: Project) -> Change:
    other = {
        "point": "upper",
        "lower": "point",
        "upper": "point",
        "at-least": "at-most",
        "above": "at-least",
        "at-most": "at-least",
    }
    text = project.toml(PROTOCOL).with_value(f"{path}.{key}", other.get(value, f"{value}.another"))
    return _eased(text, f"{path}.{key}", item, "judged", key)


def _no_longer_primary(path: str, item: str, project: Project) -> Change:
    text = project.toml(PROTOCOL).with_value(f"{path}.primary", value=False)
    return _eased(text, f"{path}.primary", item, "primary")


def _endpoint_removed(path: str, item: str, project: Project) -> Change:
    where = f"{PROTOCOL}:{project.toml(PROTOCOL).line(path)}"
    baseline = project.inputs.baseline
    old = next((each.where for each in (baseline.obligations if baseline else ()) if each.item == item), where)
    text = project.toml(PROTOCOL).without_row(path)
    return Change({PROTOCOL: text}, (obligation("OBL-REMOVED", old, item, "item"),), Form.RECORDED)


_ORDERED = dict.fromkeys(("iou", "level", "replicates", "studies"), "analysis at least") | dict.fromkeys(
    ("minimum_n", "gap"), "analysis at most"
)
"""Rules of analysis with a harder and an easier side."""


def _analysis_eased(section: str, key: str, value: object, project: Project) -> Change:
    """Make a rule of analysis easier to meet; what has no order is changed in its words."""
    aspect = _ORDERED.get(key, "analysis")
    if isinstance(value, bool) or not isinstance(value, int | float):
        eased: object = f"{value}, or not" if isinstance(value, str) else not value
    else:
        eased = value + 1 if aspect == "analysis at most" else value * 0.9
    text = project.toml(PROTOCOL).with_value(f"$.{section}.{key}", eased)
    return _eased(text, f"$.{section}.{key}", "protocol", aspect, key)


def _subgroup_dropped(key: str, name: str, project: Project) -> Change:
    rest = [each for each in project.toml(PROTOCOL).value(f"$.subgroups.{key}") if each != name]
    text = project.toml(PROTOCOL).with_value(f"$.subgroups.{key}", rest)
    first = next((each.where for each in project.inputs.written if each.item == "protocol"), f"{PROTOCOL}:1")
    sign = obligation("OBL-THRESHOLD", first, "protocol", "subgroup", f"{key} {name}")
    return Change({PROTOCOL: text}, (sign,), Form.RECORDED)


def _after_the_figures(_: Project) -> Iterator[Mutant]:
    yield Mutant("protocol-after-execution", PROTOCOL, _protocol_touched)


def _protocol_touched(project: Project) -> Change:
    """Change the protocol after the figures were known."""
    text = f"{project.text(PROTOCOL)}# put in order\n"
    return Change({PROTOCOL: text}, (Sign("TRC-PROTOCOL-ORDER", PROTOCOL, "protocol"),))


def _films(project: Project) -> Iterator[Mutant]:
    """Put every patient of the test films among the training films as well."""
    films = json.loads(project.text(COHORT))["films"]
    for patient in sorted({str(film["patient_id"]) for film in films if film["split"] == "test"}):
        yield Mutant("test-patient-trained-on", patient, partial(_leaked, patient))


def _leaked(patient: str, project: Project) -> Change:
    data = json.loads(project.text(COHORT))
    film = next(film for film in data["films"] if film["patient_id"] == patient)
    data["films"] = [*data["films"], {**film, "split": "train", "film_id": f"{patient}-again", "sha256": "f" * 64}]
    return Change({COHORT: json.dumps(data)}, (Sign("TRC-COHORT-LEAK", COHORT, f"patient {patient}"),))


def _of(name: str, rule: str, places: Places, part: Part = Part.EVIDENCE) -> Operator:
    return Operator(name, part, rule, places)


OPERATORS = (
    _of("lock-claim-altered", "the lock describes what lies here", _claims),
    _of("bundle-altered", "the model tested is the model that lies here", _bundle_files),
    _of("figures-of-another-build", "versions and hashes are the same in device, model, predictions and figures", _statements),
    _of(
        "endpoint-altered",
        "the record holds the protocol's endpoints, each with the verdict that its figure gives",
        _endpoint_mutants,
    ),
    _of("protocol-eased", "what the baseline owes stays, or somebody answers for it", _protocol_mutants),
    _of("protocol-after-execution", "the protocol is the one that the figures were made by", _after_the_figures),
    _of("test-patient-trained-on", "no patient of the test lies in another split", _films),
)
