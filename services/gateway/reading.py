"""Reading a command's request: its preference, its body and its key, and every bad field at once. Called by the routes."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel

from services.gateway.headers import IDEMPOTENCY_KEY, Preference, key_errors, preference
from shared.contracts.problems import Code, FieldError
from shared.infra.forms import KEY_FIELD, parse, read_json
from shared.infra.problems import ProblemError

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Asked(Generic[M]):
    """A request that may be acted on."""

    body: M
    key: str | None
    preference: Preference


async def read_command(request: Request, model: type[M], *, required: bool = True) -> Asked[M]:
    """The request of a command. Raises 413, 400 for what is no JSON and a bad `Prefer`, 422 with every bad field."""
    content = await request.body()
    wanted = preference(request.headers.getlist("Prefer"))
    data = await read_json(request) if content or required else {}
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    errors = key_errors(keys)
    try:
        body = parse(model, data)
    except ProblemError as problem:
        if problem.code != Code.VALIDATION_FAILED:
            raise
        raise ProblemError(Code.VALIDATION_FAILED, errors=[*problem.errors, *errors]) from None
    own = getattr(body, KEY_FIELD, None)
    if keys and own is not None and own != keys[0]:
        errors.append(FieldError(field=KEY_FIELD, reason=f"must be the same as the {IDEMPOTENCY_KEY} header"))
    if errors:
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    return Asked(body, keys[0] if keys else own, wanted)
