"""How a mutant changes code at run time: what it means to change must be there, or it would change nothing and prove nothing."""

from typing import Any


def replace(place: Any, name: str, other: Any) -> None:
    """Puts another function in place of one."""
    assert callable(getattr(place, name)), name
    setattr(place, name, other)


def changed(statement: str, old: str, new: str) -> str:
    """A statement with one part changed."""
    assert statement.count(old) == 1, f"{old!r} is not in the statement once"
    return statement.replace(old, new)
