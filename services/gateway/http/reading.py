"""Reads the request of a command: its preference, body and key, with every bad field named at once. Tells a request's operation.

Called by the routes, by `owners/forward.py` and by `calendar/displace.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel

from services.gateway.http.headers import IDEMPOTENCY_KEY, Preference, key_errors, preference
from shared.contracts.problems import Code, FieldError
from shared.infra.forms import KEY_FIELD, parse, read_json
from shared.infra.problems import ProblemError

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class CommandRequest(Generic[M]):
    """A request that was read and found valid. `key` is the client's, of the header or of the body."""

    body: M
    key: str | None
    preference: Preference


async def read_command(request: Request, *forms: type[M], required: bool = True) -> CommandRequest[M]:
    """The request of a command, whose body has one of these forms.

    Raises `body_too_large`, `invalid_json`, `invalid_header` for a bad `Prefer`, and `validation_failed` with every bad field.
    """
    content = await request.body()
    preferred = preference(request.headers.getlist("Prefer"))
    data = await read_json(request) if content or required else {}
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    errors = key_errors(keys)
    try:
        body = _parse_form(forms, data)
    except ProblemError as problem:
        if problem.code != Code.VALIDATION_FAILED:
            raise
        raise ProblemError(Code.VALIDATION_FAILED, errors=[*problem.errors, *errors]) from None
    own = getattr(body, KEY_FIELD, None)
    if keys and own is not None and own != keys[0]:
        errors.append(FieldError(field=KEY_FIELD, reason=f"must be the same as the {IDEMPOTENCY_KEY} header"))
    if errors:
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    return CommandRequest(body, keys[0] if keys else own, preferred)


def operation_of(request: Request) -> str:
    """The `operation_id` of a request's route. It is the scope of the keys of registrations: a route with another name would make
    every key that is stored for it a new one. The scope of a command's key is `CommandKind.operation`."""
    operation: str = request.scope["route"].operation_id
    return operation


def _parse_form(forms: Sequence[type[M]], data: object) -> M:
    """The body in the first form whose discriminator it has, else in the first. Fields of another form are named as such."""
    sent = data if isinstance(data, dict) else {}
    form = next((one for one in forms if getattr(one, "discriminator", None) in sent), forms[0])
    try:
        return parse(form, data)
    except ProblemError as problem:
        others = {name for one in forms for name in one.model_fields} - set(form.model_fields)
        reason = f"does not go with `{getattr(form, 'discriminator', None)}`"
        errors = [FieldError(field=one.field, reason=reason) if one.field in others else one for one in problem.errors]
        raise ProblemError(problem.code, errors=errors) from None
