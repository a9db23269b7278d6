"""Passing a registry call or a read on to its owner, and the owner's answer back. Called by the routes.

The owner judges body and `If-Match`; the gateway adds the client's key as a command id, `Location`, `Link`, and a problem's
public path.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
import orjson
from fastapi import Request, Response

from services.gateway.gateway import gateway_of
from services.gateway.http.headers import IDEMPOTENCY_KEY, key_errors
from shared.contracts.problems import Code
from shared.infra.forms import read_json
from shared.infra.ids import command_id
from shared.infra.problems import MEDIA_TYPE, ProblemError

_KEPT = ("Idempotent-Replayed", "Retry-After", "ETag", "Vary")


async def read(request: Request, owner: str, path: str, **params: object) -> Response:
    """A read of the owner; parameters that are None are left out."""
    return answer_of(request, await call(request, owner, "GET", path, **params))


async def call(request: Request, owner: str, method: str, path: str, **params: object) -> httpx2.Response:
    """A read, a change with the body that came, or a removal. Repeating one changes nothing more, so it has no key."""
    gateway = gateway_of(request)
    content = await request.body() if method in ("PATCH", "PUT") else None
    return await gateway.owners.call(owner, method, path, gateway.caller(request), params=_texts(params), content=content)


async def register(
    request: Request, owner: str, path: str, operation: str, *, keyed: bool = True, **params: object
) -> httpx2.Response:
    """A registry call, once for each key of its operation. One that is not `keyed` leaves nothing that could be repeated."""
    gateway = gateway_of(request)
    caller = gateway.caller(request)
    content = await request.body()
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    if errors := key_errors(keys):
        await read_json(request)  # what is no JSON is said first, as everywhere
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    repeated_as = command_id(caller.clinic_id, caller.principal, operation, keys[0]) if keys and keyed else None
    return await gateway.owners.call(owner, "POST", path, caller, params=_texts(params), content=content, command_id=repeated_as)


async def registered(request: Request, answer: httpx2.Response, kind: str, location: str) -> Response:
    """The answer to the registration of a doctor or a patient, who is known from now on."""
    if answer.is_success:
        gateway = gateway_of(request)
        await gateway.known.remember(gateway.caller(request), kind, UUID(answer.json()["id"]))
    return made(request, answer, location)


def made(request: Request, answer: httpx2.Response, location: str, content: bytes | None = None) -> Response:
    """The answer to a registration; `{id}` of `location` is the id of what was made, and so with its other fields."""
    created = answer.status_code == httpx2.codes.CREATED
    return answer_of(request, answer, {"Location": location.format_map(answer.json())} if created else {}, content)


def answer_of(
    request: Request, answer: httpx2.Response, headers: Mapping[str, str] | None = None, content: bytes | None = None
) -> Response:
    """The owner's answer as the client gets it; `content` stands for the owner's own."""
    kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    if not answer.is_success:
        return Response(_public_problem(request, answer), answer.status_code, kept, MEDIA_TYPE)
    said = {**kept, **(headers or {}), **_next_link(request, answer)}
    return Response(answer.content if content is None else content, answer.status_code, said, "application/json")


def emptied(request: Request, answer: httpx2.Response) -> Response:
    """The answer to a removal: 204, whatever the owner said of what it removed."""
    return Response(None, 204) if answer.is_success else answer_of(request, answer)


def _public_problem(request: Request, answer: httpx2.Response) -> bytes:
    """The owner's problem, about the path that the client asked for. Without one we say `internal` ourselves."""
    if not answer.headers.get("content-type", "").startswith(MEDIA_TYPE):
        raise ProblemError(Code.INTERNAL)
    problem: dict[str, Any] = answer.json()
    return orjson.dumps({**problem, "instance": request.scope["path"]})


def _next_link(request: Request, answer: httpx2.Response) -> dict[str, str]:
    """`Link` to the next page, with the other parameters as they were."""
    if b'"next_cursor"' not in answer.content:
        return {}
    cursor = answer.json().get("next_cursor")
    if cursor is None:
        return {}
    parameters = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return {"Link": f'<{request.scope["path"]}?{urlencode([*parameters, ("cursor", cursor)])}>; rel="next"'}


def _texts(params: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items() if value is not None}
