"""The route class of the public API: a query parameter that the route does not have is refused, as an unknown field of a body is.

A misspelt filter would be left out in silence and answer with everything. Costs nothing where there is no query.
"""

from collections.abc import Callable, Coroutine
from typing import Any

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
        known = frozenset(field.alias for field in self.dependant.query_params)

        async def checked(request: Request) -> Response:
            if request.scope["query_string"]:
                await _refuse_unknown(request, known)
            return await handle(request)

        return checked


async def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """Raises a problem that names every parameter that is not known; not at any length, the name is the client's own text.

    What ranks above it is judged before: a body that is too large, or no JSON.
    """
    errors = [
        FieldError(field=name[:_LONGEST_NAME], reason="is not a known parameter")
        for name in request.query_params
        if name not in known
    ]
    if errors:
        if await request.body():
            await read_json(request)
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
