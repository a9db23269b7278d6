"""The shapes of calls that import lines of a file, whatever the lines are of."""

from pydantic import Field

from shared.contracts.envelope import Wire
from shared.contracts.shapes import Strict

MAX_LINES = 500
"""So many lines of an import go in one call and one transaction."""


class ImportLine(Strict):
    """A line with its number in the file; its fields are judged one line at a time."""

    line: int = Field(ge=1)
    fields: dict[str, str]


class ImportIn(Strict):
    """Some lines of a file."""

    lines: list[ImportLine] = Field(min_length=1, max_length=MAX_LINES)


class RejectedLine(Wire):
    """Why a line was not imported: the field, where one is to blame, and the reason."""

    line: int
    field: str | None = None
    reason: str


class ImportReport(Wire):
    """What became of some lines: `created` are new, `known` were there and stay as they are, the others are rejected."""

    created: int
    known: int
    rejected: list[RejectedLine]
