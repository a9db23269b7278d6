"""The route class of the public API: a query that the route cannot read whole is refused, as an unknown field of a body is.

A misspelt filter would be left out in silence and answer with everything; of a parameter that is sent twice one would count;
bytes that are no text would find nobody. Costs nothing where there is no query.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from services.gateway.http.paths import API
from shared.contracts.problems import Code, FieldError
from shared.infra.forms import read_json
from shared.infra.problems import ProblemError

_LONGEST_NAME = 64


def public_router(tag: str, path: str = "") -> APIRouter:
    """A router for a part of the public API, all of it below this path."""
    return APIRouter(route_class=StrictRoute, prefix=API + path, tags=[tag])


class StrictRoute(APIRoute):
    """Of every route of the public API."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler behind the check."""
        handle = super().get_route_handler()
        parameters = {field.alias: _takes_several(field.field_info.annotation) for field in self.dependant.query_params}

        async def checked(request: Request) -> Response:
            if request.scope["query_string"]:
                await _check_query(request, parameters)
            return await handle(request)

        return checked


def _takes_several(annotation: Any) -> bool:
    """Whether a parameter is a list, perhaps one that may be left out."""
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))


async def _check_query(request: Request, parameters: dict[str, bool]) -> None:
    """Raises a problem that names every bad parameter, though not at any length: a name is the client's own text.

    What ranks above it is judged before: a body that is too large, or no JSON.
    """
    text = request.scope["query_string"].decode("latin-1")
    # What is no UTF-8 becomes lone surrogates, which no text has; the framework would replace it by U+FFFD.
    pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    bad = _bad_parameters(pairs, parameters)
    errors = [FieldError(field=_readable(name)[:_LONGEST_NAME], reason=reason) for name, reason in bad]
    if errors:
        if await request.body():
            await read_json(request)
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)


def _bad_parameters(pairs: list[tuple[str, str]], parameters: dict[str, bool]) -> Iterator[tuple[str, str]]:
    """The name of each bad parameter, once, and why it is refused. `parameters` says of each name whether it is a list."""
    sent = Counter(name for name, _ in pairs)
    unreadable = {name for name, value in pairs if _readable(value) != value}
    with_nul = {name for name, value in pairs if "\0" in value}
    for name, times in sent.items():
        if name not in parameters:
            yield name, "is not a known parameter"
        elif times > 1 and not parameters[name]:
            yield name, "must be sent once"
        elif name in unreadable:
            yield name, "must be UTF-8, percent-encoded"
        elif name in with_nul:
            yield name, "must not contain a NUL character"


def _readable(text: str) -> str:
    """The text, with a question mark for each byte that is no part of one."""
    return text if text.isascii() else text.encode(errors="replace").decode()
