"""Forwards a registry call or a read to its owner, and the owner's answer back to the client. Called by the routes.

The owner judges body and `If-Match`; the gateway adds the client's key as a command id, `Location`, `Link`, and the public path
of a problem.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
import orjson
from fastapi import Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.gateway import gateway_of
from services.gateway.http.headers import IDEMPOTENCY_KEY, key_errors
from services.gateway.http.reading import operation_of
from services.gateway.owners.client import OwnerAnswer
from shared.contracts import internal
from shared.contracts.problems import Code
from shared.infra.forms import read_json
from shared.infra.ids import command_id, new_id
from shared.infra.problems import MEDIA_TYPE, ProblemError

_KEPT = (internal.REPLAYED, IDEMPOTENCY_KEY, "Retry-After", "ETag", "Vary")


async def read(request: Request, caller: ApiCaller, owner: str, path: str, **params: object) -> Response:
    """A read of the owner."""
    return answer_of(request, await call(request, caller, owner, "GET", path, **params))


async def call(request: Request, caller: ApiCaller, owner: str, method: str, path: str, **params: object) -> OwnerAnswer:
    """A read, a change with the body that came, or a removal. Repeating one changes nothing more, so it has no key."""
    content = await request.body() if method in ("PATCH", "PUT") else None
    return await gateway_of(request).owners.call(owner, method, path, caller, params=params, content=content)


async def register(
    request: Request, caller: ApiCaller, owner: str, path: str, *, keyed: bool = True, **params: object
) -> OwnerAnswer:
    """A registry call, once for each key of its operation. One that is not `keyed` leaves nothing that could be repeated.

    A client without a key gets one with an answer that it has to repeat: by itself the repeat could make a second thing.
    """
    content = await request.body()
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    if errors := key_errors(keys):
        await read_json(request)  # a body that is no JSON is refused first, as everywhere
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    owners = gateway_of(request).owners
    if not keyed:
        return await owners.call(owner, "POST", path, caller, params=params, content=content)
    key = keys[0] if keys else new_id().hex
    repeated_as = command_id(caller.clinic_id, caller.principal, operation_of(request), key)
    try:
        answer = await owners.call(owner, "POST", path, caller, params=params, content=content, command_id=repeated_as)
    except ProblemError as problem:
        headers = {**problem.headers, IDEMPOTENCY_KEY: key}
        raise ProblemError(problem.code, problem.detail, errors=problem.errors, headers=headers, extra=problem.extra) from None
    if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        answer.headers[IDEMPOTENCY_KEY] = key
    return answer


async def registered(request: Request, caller: ApiCaller, answer: OwnerAnswer, kind: str, location: str) -> Response:
    """The answer to the registration of a doctor or a patient, whose id is known from now on."""
    if answer.is_success:
        await gateway_of(request).known.remember(caller, kind, UUID(answer.body["id"]))
    return made(request, answer, location)


def made(request: Request, answer: OwnerAnswer, location: str, content: bytes | None = None) -> Response:
    """The answer to a registration; `{id}` of `location` is the id of what was made, and so with its other fields."""
    created = answer.status_code == 201
    return answer_of(request, answer, {"Location": location.format_map(answer.body)} if created else {}, content)


def answer_of(
    request: Request, answer: OwnerAnswer, headers: Mapping[str, str] | None = None, content: bytes | None = None
) -> Response:
    """The owner's answer as the client gets it; `content` stands for the owner's own."""
    kept = kept_headers(answer)
    if not answer.is_success:
        return Response(_public_problem(request, answer), answer.status_code, kept, MEDIA_TYPE)
    kept |= {**(headers or {}), **_next_link(request, answer)}
    return Response(answer.content if content is None else content, answer.status_code, kept, "application/json")


def kept_headers(answer: OwnerAnswer) -> dict[str, str]:
    """The headers of an owner's answer that the client gets, too."""
    return {name: answer.headers[name] for name in _KEPT if name in answer.headers}


def emptied(request: Request, answer: OwnerAnswer) -> Response:
    """The answer to a removal: 204, whatever the owner says of what it removed."""
    return Response(None, 204) if answer.is_success else answer_of(request, answer)


def _public_problem(request: Request, answer: OwnerAnswer) -> bytes:
    """The owner's problem, about the path that the client asked for. Without one the gateway answers `internal`."""
    if not answer.headers.get("content-type", "").startswith(MEDIA_TYPE):
        raise ProblemError(Code.INTERNAL)
    problem: dict[str, Any] = answer.body
    return orjson.dumps({**problem, "instance": request.scope["path"]})


def _next_link(request: Request, answer: OwnerAnswer) -> dict[str, str]:
    """`Link` to the next page, with the other parameters as they were."""
    if b'"next_cursor"' not in answer.content:
        return {}
    cursor = answer.body.get("next_cursor")
    if cursor is None:
        return {}
    parameters = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return {"Link": f'<{request.scope["path"]}?{urlencode([*parameters, ("cursor", cursor)])}>; rel="next"'}
