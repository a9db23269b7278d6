"""Reading what a client sent before anything is done with it: JSON, bodies, cursors, limits, and a hash to know a repeat by.

Used by every `routes.py`. Bodies are judged strictly (a number is no text) and all at once, and nothing refused is repeated back.
"""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ValidationError
from starlette.requests import Request

from shared.contracts.problems import Code, FieldError
from shared.infra.fields import field_errors
from shared.infra.problems import ProblemError

M = TypeVar("M", bound=BaseModel)

DEFAULT_LIMIT = 50


def _only_digits(value: object) -> object:
    """Pydantic also reads ` 5`, `1_000` and `5.0`; a client that sends one has made a mistake."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+", value):
        raise ValueError("must be a whole number")
    return value


IN_DIGITS = BeforeValidator(_only_digits)
"""Of a whole number of a query."""
Limit = Annotated[int, Query(ge=1, le=200, description="How many entries at most"), IN_DIGITS]
"""Of a list's route: `limit: Limit = DEFAULT_LIMIT`."""
SomeLimit = Annotated[
    int | None, Query(ge=1, le=200, description=f"How many entries at most, {DEFAULT_LIMIT} if left out"), IN_DIGITS
]
"""The same where it matters whether a limit was asked for: `limit: SomeLimit = None`."""
Cursor = Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before")]
"""Of a list's route: `cursor: Cursor = None`, read with `decode_cursor`."""

_LONGEST_KEY = 64
_LARGEST_EXACT = 2**53
"""Above it a float stands for several integers."""

KEY_FIELD = "idempotency_key"
"""The one field of a body that says nothing about what is asked for."""


async def read_json(request: Request) -> object:
    """The body's JSON, whatever its content type says. NaN, a lone surrogate and 1,024 levels are no JSON.

    An object that has a key twice is none either: RFC 8259 leaves open which one counts, and we do not guess.
    """
    content = await request.body()
    try:
        data, twice = _whole(orjson.loads(content)), _keys_named_twice(content)
    except (orjson.JSONDecodeError, RecursionError):
        # From None: the decoder's error keeps the whole document, which must not reach a log.
        raise ProblemError(Code.INVALID_JSON) from None
    if twice:
        errors = [FieldError(field=key[:_LONGEST_KEY], reason="must be sent once") for key in twice]
        raise ProblemError(Code.INVALID_JSON, "An object has a key twice", errors=errors)
    return data


def _whole(data: object) -> object:
    """The data with `10.0` as 10: to JSON Schema both are integers, and clients without integers write the first."""
    if isinstance(data, float) and data.is_integer() and abs(data) <= _LARGEST_EXACT:
        return int(data)
    if isinstance(data, dict):
        return {key: _whole(value) for key, value in data.items()}
    return [_whole(value) for value in data] if isinstance(data, list) else data


def _keys_named_twice(content: bytes) -> list[str]:
    """The keys that an object of this JSON has more than once. The fast decoder keeps the last of each and says nothing."""
    twice: dict[str, None] = {}

    def look(pairs: list[tuple[str, object]]) -> None:
        if len(dict(pairs)) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice.update((key, None) for key, count in counts.items() if count > 1)

    json.loads(content.decode(), object_pairs_hook=look, parse_int=str, parse_float=str)
    return list(twice)


def parse(model: type[M], data: object, context: dict[str, Any] | None = None) -> M:
    """The body as `model`, or a refusal that names every bad field."""
    text = _json(data)
    unstorable = [FieldError(field=path or "body", reason="must not contain a NUL character") for path in _with_nul(data, "")]
    try:
        # By way of JSON: strict there means JSON's own types, while UUIDs and dates still come from text.
        body = model.model_validate_json(text, strict=True, context=context)
    except ValidationError as error:
        invalid = field_errors(error.errors(include_url=False), located=False)
        raise ProblemError(Code.VALIDATION_FAILED, errors=[*invalid, *unstorable]) from None
    if unstorable:
        raise ProblemError(Code.VALIDATION_FAILED, errors=unstorable)
    return body


def _json(data: object) -> bytes:
    """The data as JSON again. The encoder goes less deep than the decoder: what only the latter can take is no JSON to us."""
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError:
        raise ProblemError(Code.INVALID_JSON) from None


def _with_nul(data: object, path: str) -> Iterator[str]:
    """The paths of texts that Postgres cannot store."""
    if isinstance(data, str) and "\0" in data:
        yield path
    elif isinstance(data, dict | list):
        items = data.items() if isinstance(data, dict) else enumerate(data)
        for key, value in items:
            yield from _with_nul(value, f"{path}.{key}" if path else str(key))


def canonical_hash(body: BaseModel, **path_parameters: object) -> str:
    """SHA-256 of what is asked for: equal for equal requests, however they are spelled, and without their key.

    Defaults are left out, so that a field added later does not turn a repeat from before into another request.
    """
    asked = body.model_dump(mode="json", exclude={KEY_FIELD}, exclude_defaults=True)
    path = {name: str(value) for name, value in path_parameters.items()}
    return hashlib.sha256(orjson.dumps({"body": asked, "path": path}, option=orjson.OPT_SORT_KEYS)).hexdigest()


def etag(version: int) -> str:
    """The `ETag` of a row's version."""
    return f'"v{version}"'


def check_match(asked: str | None, version: int) -> None:
    """Raises the problem `stale` if an `If-Match` (RFC 9110) was sent that does not name this version of the locked row."""
    if asked is not None and asked.strip() != "*" and etag(version) not in (tag.strip() for tag in asked.split(",")):
        raise ProblemError(Code.STALE)


def encode_cursor(*parts: str) -> str:
    """Where the next page begins, as the client carries it: opaque, so that the order may change."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def decode_cursor(text: str, size: int) -> tuple[str, ...]:
    """The `size` parts that `encode_cursor` was given; anything else is a refusal that names `cursor`."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parts = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        parts = None
    if isinstance(parts, list) and len(parts) == size and all(isinstance(part, str) and "\0" not in part for part in parts):
        return tuple(parts)
    raise no_cursor()


def cursor_number(part: str) -> int:
    """A number of a cursor, or a refusal: what does not fit into an integer column is none of ours."""
    if not re.fullmatch(r"[0-9]{1,9}", part):
        raise no_cursor()
    return int(part)


def no_cursor() -> ProblemError:
    """The refusal of what is no cursor of the list."""
    return ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="cursor", reason="is not a cursor of this list")])
