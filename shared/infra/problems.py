"""Every refusal over HTTP is an RFC 9457 problem of the closed list in `shared/contracts/problems.py`, the framework's own too.

Routes and services raise `ProblemError`; `install_problem_handlers` renders it and what the framework itself raises.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.contracts.envelope import Wire
from shared.contracts.later_values import keeps_later
from shared.contracts.problem_kinds import PROBLEMS, kind_of
from shared.contracts.problems import Code, FieldError
from shared.infra.fields import field_errors

MEDIA_TYPE = "application/problem+json"

_BY_STATUS = {
    400: Code.INVALID_JSON,  # FastAPI's word for a body that is no text at all
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.BODY_TOO_LARGE,
    503: Code.UNAVAILABLE,
}


class Problem(Wire):
    """A problem as clients read it. Some codes add members of their own, as `candidates`."""

    type: str
    title: str
    status: int
    code: Annotated[Code, keeps_later(Code)]
    detail: str
    instance: str
    correlation_id: str
    errors: list[FieldError]


class ProblemError(Exception):
    """A refusal. `detail` says more than the code's title, `extra` adds members to the problem; neither holds patient data."""

    def __init__(
        self,
        code: Code,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        later_status: int | None = None,
    ) -> None:
        """`later_status` came with a code that only a newer release knows."""
        super().__init__(code.value)
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.later_status = later_status


def problem_body(error: ProblemError, *, instance: str, correlation_id: str) -> dict[str, Any]:
    """The members of the problem; also what `GET /commands/{id}` shows of a refused command."""
    kind = kind_of(error.code, error.later_status)
    problem = Problem(
        type=f"/docs/problems/{error.code}",
        title=kind.title,
        status=kind.status,
        code=error.code,
        detail=error.detail or kind.title,
        instance=instance,
        correlation_id=correlation_id,
        errors=error.errors,
    )
    return {**problem.model_dump(mode="json"), **error.extra}


def problem_response(request: Request, error: ProblemError) -> Response:
    """The answer to a request that was refused. The access log names the code."""
    request.state.code = error.code.value
    body = problem_body(error, instance=request.scope["path"], correlation_id=getattr(request.state, "correlation_id", ""))
    return Response(orjson.dumps(body), kind_of(error.code, error.later_status).status, error.headers, MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Makes problems of everything that is raised on purpose; `asgi.py` does so for what is not."""

    async def refused(request: Request, error: Exception) -> Response:
        return problem_response(request, _as_problem(request, error))

    for kind in (ProblemError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refused)


def _as_problem(request: Request, error: Exception) -> ProblemError:
    """What the framework raised, in our words."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error.errors())
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _allowed(request)
    return ProblemError(_BY_STATUS.get(error.status_code, Code.INTERNAL), headers=headers)


def _invalid(errors: Sequence[Mapping[str, Any]]) -> ProblemError:
    """400 for a body that is not JSON, else 422 with every bad field."""
    if any(error["type"] == "json_invalid" for error in errors):
        return ProblemError(Code.INVALID_JSON)
    return ProblemError(Code.VALIDATION_FAILED, errors=field_errors(errors, located=True))


def _allowed(request: Request) -> str:
    """The methods of every route with this path; the framework names those of the first one only, and of files none."""
    path = request.scope["path"]
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(path):
            methods |= route.methods or {"GET"}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def problem_responses(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that can refuse with these codes, each with an example."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = PROBLEMS[code]
        empty = {"description": kind.title, "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMA}, "examples": {}}}}
        responses.setdefault(kind.status, empty)["content"][MEDIA_TYPE]["examples"][code.value] = _example(code)
    return responses


SCHEMA = "#/components/schemas/Problem"
"""Where `api.py` puts the schema of a problem in the OpenAPI document."""


def _example(code: Code) -> dict[str, Any]:
    """What a refusal with this code looks like."""
    errors = [FieldError(field="date", reason="is required")] if code == Code.VALIDATION_FAILED else []
    value = problem_body(ProblemError(code, errors=errors), instance="/api/v1/appointments", correlation_id="desk-7.42")
    return {"summary": PROBLEMS[code].title, "value": value}
