"""Describes a route in the document: the body that it reads itself, its headers, its answers and refusals with examples."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from services.gateway.http.headers import IDEMPOTENCY_KEY
from services.gateway.openapi.answer_headers import OF_COMMANDS, OF_REGISTRATIONS, OF_RUNNING, of_refusal, references
from services.gateway.openapi.appointments import RUNNING
from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code
from shared.infra.problems import problem_responses


def _header(name: str, description: str, example: str, **schema: Any) -> dict[str, Any]:
    described = {"description": description, "schema": {"type": "string", **schema}, "example": example}
    return {"name": name, "in": "header", "required": False, **described}


KEY = _header(
    "Idempotency-Key", "Makes the request safe to repeat", "desk-7-0042", minLength=1, maxLength=255, pattern="^[\\x20-\\x7e]+$"
)
PREFER = _header("Prefer", "`wait=N` seconds (5, at most 30) for the final answer, or `respond-async`", "wait=5")
IF_MATCH = _header("If-Match", "The `ETag` of what was read, in its quotes: 412 if it has changed since", '"v1"', maxLength=1000)
LANGUAGE = _header("Accept-Language", "In which language addresses are told (RFC 9110)", "zh-Hant, en;q=0.5")

COMMAND_CODES = (
    Code.INVALID_HEADER, Code.KEY_REUSED, Code.TOO_LATE, Code.LOST, Code.INTERNAL, Code.NOT_ACCEPTED, Code.UNKNOWN_OUTCOME,
)  # fmt: skip
MADE = ("Location", *OF_REGISTRATIONS)
"""What the answer to a registration carries that made something."""
ENTITY = ("ETag",)
"""What a reading or a change of something that has a version carries."""
TRANSLATED = ("ETag", "Vary")
BODY_CODES = (Code.INVALID_JSON, Code.BODY_TOO_LARGE, Code.VALIDATION_FAILED)


class Forms(dict[str, dict[str, Any]]):
    """Example bodies of a route that takes several forms, by what each asks for."""


def posts(model: Any, example: dict[str, Any] | Forms, *, required: bool = True, command: bool = False) -> dict[str, Any]:
    """The `openapi_extra` of a POST that reads its body itself, a model or a choice of models."""
    return _body(model, example, required=required) | takes(*((KEY, PREFER) if command else (KEY,)))


def changes(model: type[BaseModel], example: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a PATCH or a PUT, which read their bodies themselves."""
    return _body(model, example, required=True) | takes(IF_MATCH, *more)


def takes(*headers: dict[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes these headers."""
    return {"parameters": list(headers)}


Responses = dict[int | str, dict[str, Any]]
"""The `responses=` of a route."""


def answers(
    status: int, example: BaseModel, *codes: Code, command: bool = False, keyed: bool = False, carries: Iterable[str] = ()
) -> Responses:
    """What a route answers, with an example, and the problems that it may refuse with.

    `carries` names the headers of the answer beside those that every command's has; one that is `keyed` tells its key in a 503.
    """
    responses: Responses = {status: _example(example, "As asked for", (*carries, *(OF_COMMANDS if command else ())))}
    if command:
        responses |= also(202, RUNNING, "Still running: ask at `Location`", OF_RUNNING)
    responses |= refuses(*codes, command=command)
    if keyed:
        responses[PROBLEMS[Code.UNAVAILABLE].status]["headers"] |= references([IDEMPOTENCY_KEY])
    return responses


def refuses(*codes: Code, command: bool = False) -> Responses:
    """The problems that a route may refuse with, and that of an owner who is away."""
    refused = problem_responses(*codes, *(COMMAND_CODES if command else ()), Code.UNAVAILABLE)
    for refusal, answer in refused.items():
        answer["headers"] = references(of_refusal(int(refusal), command=command, keyed=Code.KEY_REUSED in codes))
    return refused


def also(status: int, example: BaseModel, description: str, carries: Iterable[str] = ()) -> Responses:
    """One more answer of a route."""
    return {status: _example(example, description, carries) | {"model": type(example)}}


def bare(status: int, description: str, carries: Iterable[str] = ()) -> Responses:
    """One more answer of a route, without a body."""
    return {status: {"description": description, "headers": references(carries)}}


def _example(example: BaseModel, description: str, carries: Iterable[str]) -> dict[str, Any]:
    content = {"application/json": {"example": example.model_dump(mode="json", by_alias=True)}}
    return {"description": description, "headers": references(carries), "content": content}


def _body(model: Any, example: dict[str, Any] | Forms, *, required: bool) -> dict[str, Any]:
    schema = _inlined(TypeAdapter(model).json_schema())
    several = isinstance(example, Forms)
    shown = {"examples": {name: {"value": body} for name, body in example.items()}} if several else {"example": example}
    content = {"application/json": {"schema": schema, **shown}}
    return {"requestBody": {"content": content, "required": required}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references: it stands in the route, not among the components."""
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            return resolve(definitions[name]) if name else {key: resolve(value) for key, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved
