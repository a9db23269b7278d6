"""Lines of an imported file, judged one at a time: a bad one is told with its reason, and the others go on.

Used by the imports of availability and booking.
"""

from typing import Any, TypeVar

from pydantic import BaseModel

from shared.contracts.imports import ImportLine, RejectedLine
from shared.infra.forms import parse
from shared.infra.problems import ProblemError

M = TypeVar("M", bound=BaseModel)

LINES_PER_TURN = 20
"""After so many lines other work of the process gets its turn: judging a whole call takes longer than a booking may wait."""


class Rejected(Exception):
    """Why a line is not imported: the field to blame, and the reason. Neither repeats what the line says."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def of_line(self, number: int) -> RejectedLine:
        """As it is reported."""
        return RejectedLine(line=number, field=self.field, reason=self.reason)


def read_line(model: type[M], line: ImportLine, context: dict[str, Any] | None = None) -> M:
    """A line's fields, empty ones left out. Raises `Rejected` for the first bad field."""
    try:
        return parse(model, {name: value for name, value in line.fields.items() if value.strip()}, context)
    except ProblemError as error:
        first = error.errors[0]
        raise Rejected(first.field, first.reason) from None
