"""Defects of the removal of identities: attributes, pseudonyms, the sealed table, text in the picture, and what is not given away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def nested_sequences_not_entered(module: ModuleType) -> None:
    """Only attributes at the top of the film are cleaned (device_sw.deidentification.dataset)."""
    inside: list[int] = []

    def clean(original: Any, dataset: Any, removal: Any, counts: Any) -> None:
        if not inside:
            inside.append(1)
            original(dataset, removal, counts)
            inside.clear()

    wrap(module, "_clean", clean)


def private_attributes_kept(module: ModuleType) -> None:
    """Private attributes stay as they are (device_sw.deidentification.dataset)."""

    def action(original: Any, element: Any, removal: Any) -> Any:
        return module.Action.KEEP if element.tag.is_private else original(element, removal)

    wrap(module, "_action", action)


def web_addresses_kept(module: ModuleType) -> None:
    """Web addresses that the table does not name stay (device_sw.deidentification.dataset)."""

    def beyond(original: Any, element: Any) -> Any:
        return module.Action.KEEP if element.VR == "UR" else original(element)

    wrap(module, "_beyond_the_table", beyond)


def dates_kept(module: ModuleType) -> None:
    """Dates do not move (device_sw.deidentification.dataset)."""
    replace(module, "moved_back", lambda value, _days: value)


def pseudonyms_without_key(module: ModuleType) -> None:
    """Pseudonyms are plain hashes, which anybody who guesses an id can make (device_sw.deidentification.pseudonyms)."""

    def mac(self: Any, *parts: str) -> bytes:  # noqa: ARG001
        return bytes(module.hashlib.sha256("".join(parts).encode()).digest())

    replace(module, "Pseudonyms._mac", mac)


def uid_of_each_run(module: ModuleType) -> None:
    """UIDs are random, so that a study falls apart (device_sw.deidentification.pseudonyms)."""

    def uid(_self: Any, _uid: str) -> str:
        return f"2.25.{int.from_bytes(module.secrets.token_bytes(12), 'big')}"

    replace(module, "Pseudonyms.uid", uid)


def table_in_plain_text(module: ModuleType) -> None:
    """The table of who is who is written as it is (device_sw.deidentification.pseudonyms)."""
    replace(module, "Pseudonyms.seal", lambda _self, entries: module.json.dumps(entries).encode())


def key_beside_the_films(module: ModuleType) -> None:
    """Key and table may lie in the folder that is given away (device_sw.deidentification.run)."""
    replace(module, "require_apart", nothing)


def text_not_looked_for(module: ModuleType) -> None:
    """Text in the picture is not looked for (device_sw.deidentification.film)."""
    replace(module, "text_regions", lambda _picture: ())


def undecodable_films_given_away(module: ModuleType) -> None:
    """A film that cannot be read ends the run (device_sw.deidentification.run)."""

    def take(self: Any, paths: Any) -> Any:
        for number, path in enumerate(paths, start=1):
            self._keep(number, module.clean_film(path, self.pseudonyms, self.choice))
            yield number

    replace(module, "Run.take", take)
