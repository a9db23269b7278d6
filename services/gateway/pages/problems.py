"""The pages behind the `type` of a problem: what each code means, its cause and its fix. Included by `app.py`, always.

They are made of the closed list alone and load nothing from elsewhere, so they are there also where `/docs` is off.
"""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.gateway.pages.render import page
from shared.contracts.problem_kinds import PROBLEMS, Retry
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError

router = APIRouter(prefix="/docs/problems", include_in_schema=False, default_response_class=HTMLResponse)

_REPEAT: dict[Retry, str] = {
    "same_key": "**Same key.** Send the same request again with the same `Idempotency-Key`: it is done once at most.",
    "change": "**Change.** The same request gets the same answer. Change it, and send it with a new `Idempotency-Key`.",
    "give_up": "**Give up.** This answer is final: no repeat of this request is answered otherwise.",
}


@router.get("")
async def list_problems() -> HTMLResponse:
    """Every code of the API on one page."""
    return page("problems.html", title="Problems", problems=PROBLEMS)


@router.get("/{code}")
async def get_problem(code: str) -> HTMLResponse:
    """What one code means; the `type` of every problem leads here."""
    if code not in set(Code):
        raise ProblemError(Code.NOT_FOUND, "There is no such problem code")
    kind = PROBLEMS[Code(code)]
    return page("problem.html", title=kind.title, code=code, kind=kind, repeat=_REPEAT[kind.retry])
