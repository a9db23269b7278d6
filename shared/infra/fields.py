"""From the errors of pydantic to our field errors: which field, and why, in words that never repeat what the client sent.

Used by `problems.py` for what FastAPI validates and by `forms.py` for what we validate.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.problems import FieldError

_INTEGER, _DATE, _INSTANT, _OBJECT = (
    "must be a whole number",
    "must be a date, YYYY-MM-DD",
    "must be an instant with seconds and a zone, RFC 3339",
    "must be an object",
)
_REASONS = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "does not have the form that is asked for",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_from_float": _INTEGER,
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "timezone_aware": _INSTANT,
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "list_type": "must be a list",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
}
"""Pydantic's own messages quote the input in places (a UUID's bad character), so only these types speak."""

_LONGEST_PART = 64
_SHORTEST_ECHO = 3


def field_errors(errors: Iterable[Mapping[str, Any]], *, located: bool) -> list[FieldError]:
    """One field error for each of pydantic's. `located` paths begin with FastAPI's `body`, `path`, `query` or `header`."""
    return [FieldError(field=_path(error["loc"], located=located), reason=_reason(error)) for error in errors]


def _path(location: tuple[str | int, ...], *, located: bool) -> str:
    """`address.en` in a body, `body` for all of it, the name of a parameter, `Idempotency-Key` for a header."""
    place, parts = (location[0], location[1:]) if located else ("body", location)
    if place == "header":
        return "-".join(word.capitalize() for word in str(parts[0]).split("-"))
    # A refused field's name is the client's own text: it is named, but not at any length.
    return ".".join(str(part)[:_LONGEST_PART] for part in parts) or str(place)


def _reason(error: Mapping[str, Any]) -> str:
    """Why, in our words; a validator of ours speaks by its `ValueError`."""
    context = error.get("ctx") or {}
    if error["type"] == "value_error" and "error" in context:
        return _unless_quoted(str(context["error"]), error.get("input"))
    return _REASONS.get(error["type"], "is not valid").format(**context)


def _unless_quoted(reason: str, value: object) -> str:
    """The reason, unless it repeats the input, as errors of the standard library like to do."""
    quoted = isinstance(value, str) and len(value) >= _SHORTEST_ECHO and value in reason
    return "is not valid" if quoted or not reason else reason
