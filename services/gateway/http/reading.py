"""Reading a command's request: its preference, its body and its key, and every bad field at once. Called by the routes."""

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
class Asked(Generic[M]):
    """A request that may be acted on."""

    body: M
    key: str | None
    preference: Preference


async def read_command(request: Request, *forms: type[M], required: bool = True) -> Asked[M]:
    """The request of a command, whose body has one of these forms.

    Raises 413, 400 for what is no JSON and a bad `Prefer`, 422 with every bad field.
    """
    content = await request.body()
    wanted = preference(request.headers.getlist("Prefer"))
    data = await read_json(request) if content or required else {}
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    errors = key_errors(keys)
    try:
        body = _parsed(forms, data)
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


def _parsed(forms: Sequence[type[M]], data: object) -> M:
    """The body in the first form whose mark it has, else in the first of all; fields of another form are told as such."""
    sent = data if isinstance(data, dict) else {}
    form = next((one for one in forms if getattr(one, "mark", None) in sent), forms[0])
    others = {name for one in forms for name in one.model_fields} - set(form.model_fields)
    try:
        return parse(form, data)
    except ProblemError as problem:
        reason = f"does not go with `{getattr(form, 'mark', None)}`"
        errors = [FieldError(field=one.field, reason=reason) if one.field in others else one for one in problem.errors]
        raise ProblemError(problem.code, errors=errors) from None
