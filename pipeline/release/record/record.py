"""The record of a release: an in-toto Statement that names every part by hash, and says from what, by what and how well it was made.

    subjects (parts) + predicate (source, model, environment, data, stages, gate, who has to sign, the release before) -> canonical bytes -> SHA-256

A release *is* its record: the SHA-256 of these bytes identifies it. The record holds no time and no path of a machine, so a build of the same commit
with the same results gives the same record.

Source: in-toto Attestation Framework, Statement v1; IEC 62304 5.8.4, 8.1.2; design 4 (levels, demonstration identities).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.release.record.canonical import canonical, read
from verification.trace.keys import MalformedError, PublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:thoratrace:release-record:1"
SCHEMA = "thoratrace/release-record/1"
PROJECT = "thoratrace"
CONCLUSION = "engineering baseline; not acceptable for clinical use"
PLACES = ("archive", "bundle", "files")
"""First folder of every subject's name: kept outside the repository, the model, and the committed rest."""

VERSION = re.compile(r"(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3})){2}")
_HASH = re.compile(r"[0-9a-f]{64}")
_OBJECT = re.compile(r"[0-9a-f]{40}")
_PART = re.compile(r"[A-Za-z0-9_+@-][A-Za-z0-9_.+@~ -]*")


class Kind(StrEnum):
    """What was built: a release, or a trial of the same steps on the canonical run, which releases nothing."""

    RELEASE = "release"
    TRIAL = "trial"


def numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers, so that 0.10.0 is newer than 0.9.0.

    >>> numbers("0.10.0") > numbers("0.9.0")
    True
    """
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True, slots=True)
class Subject:
    """One part: its name, whose first folder says where it is kept, its SHA-256 and its size in bytes."""

    name: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        """Refuse a name that could lead out of the folder, and what is no hash or size.

        Raises:
            ValueError: either.
        """
        parts = self.name.split("/")
        if parts[0] not in PLACES or len(parts) < 2 or not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(f"the subject {self.name[:120]!r}, which is no plain name below {', '.join(PLACES)}")
        if not _HASH.fullmatch(self.sha256) or type(self.size) is not int or self.size < 0:
            raise ValueError(f"the subject {self.name[:120]!r} without SHA-256 and size")


@dataclass(frozen=True, slots=True)
class Source:
    """The commit: its id, its tree's id, and the SHA-256 over path, mode and SHA-256 of every file of it."""

    commit: str
    tree: str
    files_sha256: str

    def __post_init__(self) -> None:
        """Refuse what are no ids.

        Raises:
            ValueError: so.
        """
        if not (_OBJECT.fullmatch(self.commit) and _OBJECT.fullmatch(self.tree) and _HASH.fullmatch(self.files_sha256)):
            raise ValueError("a source without commit, tree and hash of its files")


@dataclass(frozen=True, slots=True)
class Model:
    """The model: semantic version, SHA-256 of its weights, SHA-256 of the bundle's manifest."""

    version: str
    weights_sha256: str
    bundle_sha256: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage of the pipeline depends on: SHA-256 by path, before it ran and after it.

    Raises:
        ValueError: they differ: something was edited while the stage ran, and its outputs belong to neither state.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse hashes that changed."""
        changed = sorted(name for name in {*self.before, *self.after} if self.before.get(name) != self.after.get(name))
        if changed:
            raise ValueError(f"{', '.join(changed[:5])} changed while the stage ran")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who has to sign, as what, meaning what, with which key; ``demonstration`` says that no natural person is behind the name."""

    name: str
    role: str
    meaning: str
    key: str
    public: str
    demonstration: bool

    def __post_init__(self) -> None:
        """Refuse a key that is not the one of its fingerprint.

        Raises:
            ValueError: so.
        """
        try:
            fits = PublicKey.from_line(self.public).id == self.key
        except MalformedError as err:
            raise ValueError(f"{self.name}: {err}") from err
        if not fits:
            raise ValueError(f"{self.name}: a public key of another fingerprint than {self.key}")


@dataclass(frozen=True, slots=True)
class Previous:
    """The release before: its version and the SHA-256 of its record."""

    version: str
    record_sha256: str


@dataclass(frozen=True)
class Record:
    """Everything a release is, by hash.

    Attributes:
        version: of the release, three numbers.
        kind: release or trial.
        subjects: its parts, sorted by name.
        source: the commit.
        model: the model.
        environment: texts and numbers about interpreter, libraries and the class of numbers this machine computes.
        data_root: SHA-256 Merkle root over the films it was made with.
        gate: level and number of problems of the trace gate.
        stages: by name, what each stage depended on.
        signers: who has to sign; none in a trial that nobody signs.
        previous: the release before; None for the first.
    """

    version: str
    kind: Kind
    subjects: tuple[Subject, ...]
    source: Source
    model: Model
    environment: Mapping[str, str | int | bool]
    data_root: str
    gate: Mapping[str, str | int]
    stages: Mapping[str, Stage]
    signers: tuple[Signer, ...] = ()
    previous: Previous | None = None

    def __post_init__(self) -> None:
        """Refuse a record that could not be one.

        Raises:
            ValueError: no version, subjects unsorted or twice (also but for upper and lower case), a key or a role and name that signs twice.
        """
        if not VERSION.fullmatch(self.version):
            raise ValueError(f"the version {self.version[:40]!r}, which is not three numbers")
        names = [each.name for each in self.subjects]
        if names != sorted(set(names)) or len({name.casefold() for name in names}) != len(names):
            raise ValueError("subjects that are not sorted, or two of one name")
        for what, owners in (("key", [each.key for each in self.signers]), ("name", [each.name for each in self.signers])):
            if len(set(owners)) != len(owners):
                raise ValueError(f"a {what} that has to sign twice")

    def to_json(self) -> dict[str, Any]:
        """Return the Statement as plain data."""
        predicate = {
            "schema": SCHEMA,
            "project": PROJECT,
            "version": self.version,
            "kind": str(self.kind),
            "conclusion": CONCLUSION,
            "sizes": {each.name: each.size for each in self.subjects},
            "source": _fields(self.source),
            "model": _fields(self.model),
            "environment": dict(self.environment),
            "data_root": self.data_root,
            "gate": dict(self.gate),
            "stages": {
                name: {"before": dict(each.before), "after": dict(each.after)} for name, each in sorted(self.stages.items())
            },
            "signers": [_fields(each) for each in self.signers],
            "previous": _fields(self.previous) if self.previous else None,
        }
        subjects = [{"name": each.name, "digest": {"sha256": each.sha256}} for each in self.subjects]
        return {"_type": STATEMENT, "predicateType": PREDICATE, "subject": subjects, "predicate": predicate}

    @property
    def payload(self) -> bytes:
        """The bytes that are signed."""
        return canonical(self.to_json())

    @property
    def sha256(self) -> str:
        """The release's identity: the SHA-256 of its payload."""
        return hashlib.sha256(self.payload).hexdigest()

    @property
    def title(self) -> str:
        """The release in words, as every print shows it."""
        return f"trial of {self.version}, not a release" if self.kind is Kind.TRIAL else f"release {self.version}"

    @classmethod
    def from_payload(cls, payload: bytes) -> Record:
        """Return the record of signed bytes; ``from_payload(x.payload) == x``.

        Raises:
            ValueError: not canonical, another form, or one of the parts cannot be.
        """
        try:
            record = cls._read(read(payload))
        except (KeyError, TypeError, AttributeError) as err:
            raise ValueError(f"another form than a release record ({type(err).__name__}: {str(err)[:80]})") from err
        if record.payload != payload:
            raise ValueError("another form than a release record: it holds more, or other fixed words")
        return record

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Record:
        predicate = data["predicate"]
        sizes = predicate["sizes"]
        previous = predicate["previous"]
        return cls(
            version=predicate["version"],
            kind=Kind(predicate["kind"]),
            subjects=tuple(Subject(each["name"], each["digest"]["sha256"], sizes[each["name"]]) for each in data["subject"]),
            source=Source(**predicate["source"]),
            model=Model(**predicate["model"]),
            environment=predicate["environment"],
            data_root=predicate["data_root"],
            gate=predicate["gate"],
            stages={name: Stage(each["before"], each["after"]) for name, each in predicate["stages"].items()},
            signers=tuple(Signer(**each) for each in predicate["signers"]),
            previous=Previous(**previous) if previous else None,
        )


def _fields(value: Source | Model | Signer | Previous) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
