"""The problem of a refused command: its code, what its answer names beside it, and a sentence that says what that means.

Used wherever the end of a command is told: as an answer, as its status, and in the list of a displacement.
"""

from collections.abc import Mapping

from shared.contracts.commands import Answer
from shared.contracts.problem_kinds import kind_of
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError


def problem_of(code: Code, answer: Answer, headers: Mapping[str, str] | None = None) -> ProblemError:
    """The problem of an answer that was refused with this code."""
    return ProblemError(
        code, detail_of(code, answer), headers=headers, extra=answer.result or {}, later_status=answer.status_code
    )


def detail_of(code: Code, answer: Answer) -> str:
    """The sentence. An answer that names nothing, as those of before do, has the title of its code."""
    named = answer.result or {}
    appointment, after = named.get("appointment_id"), named.get("bookable_after")
    if code is Code.TOO_SOON and after:
        return f"A slot that begins later than {after} can be booked"
    if code is Code.SLOT_TAKEN and appointment:
        return f"The patient has that slot already: it is appointment {appointment}"
    if code is Code.PATIENT_BUSY and "rule" in named:
        return f"The patient has appointment {appointment} with that doctor on that day, and the clinic allows one a day"
    if code is Code.PATIENT_BUSY and appointment:
        return f"The patient has appointment {appointment} at that time"
    return kind_of(code).title
