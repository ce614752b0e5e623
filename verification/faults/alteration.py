"""How a defect changes a module: it puts something else in the place of what is there. What is not there cannot be changed, so no defect is silently none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def replace(module: ModuleType, name: str, new: Any) -> None:
    """Put ``new`` in the place of an attribute; ``name`` may lead into a class (``Device.analyse``).

    Raises:
        AttributeError: there is no such attribute, so the defect would change nothing.
    """
    *owners, last = name.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part)
    getattr(owner, last)
    setattr(owner, last, new)


def wrap(module: ModuleType, name: str, around: Callable[..., Any]) -> None:
    """Put ``around(original, ...)`` in the place of a function.

    Raises:
        AttributeError: there is no such function.
    """
    owner: Any = module
    for part in name.split("."):
        owner = getattr(owner, part)
    original = owner

    def changed(*arguments: Any, **options: Any) -> Any:
        return around(original, *arguments, **options)

    replace(module, name, changed)


def nothing(*_arguments: Any, **_options: Any) -> None:
    """Do nothing: a check that was left out."""
