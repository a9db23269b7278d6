"""Values that a newer release has added to a list: a reader keeps them where it only stores them or passes them on.

Where a value decides what is done, the list is closed: the message is left to a process that knows the value (`records.decode`).
"""

import re
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

E = TypeVar("E", bound=StrEnum)

_VALUE = re.compile(r"[a-z][a-z0-9_]{0,63}")


def is_value(text: object) -> bool:
    """Whether a text has the form that the values of all lists have: what has not, no release ever writes."""
    return isinstance(text, str) and bool(_VALUE.fullmatch(text))


def value_of(kind: type[E], text: str) -> E:
    """The value of a list; one that is not in it is kept, and equals none of them. Raises `ValueError` for other texts."""
    try:
        return kind(text)
    except ValueError:
        if not is_value(text):
            raise
    later = str.__new__(kind, text)
    later._name_ = later._value_ = text
    return later


def keeps_later(kind: type[StrEnum]) -> WrapValidator:
    """Of a field whose reader only carries the value. Its schema is that of the list: a writer writes nothing else."""

    def read(value: Any, known: ValidatorFunctionWrapHandler) -> Any:
        try:
            return known(value)
        except ValidationError:
            if not is_value(value):
                raise
            return value_of(kind, value)

    return WrapValidator(read)
