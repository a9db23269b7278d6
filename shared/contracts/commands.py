"""What is common to all commands: their answer, the repeat of one, and the reply to the gateway that waits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from shared.contracts.envelope import DayMessage, Message, Wire
from shared.contracts.later_values import keeps_later
from shared.contracts.problem_kinds import kind_of
from shared.contracts.problems import Code

DECIDE_WITHIN_SECONDS = 600
"""A command that is not decided this long after it was accepted is refused `too_late`."""
CLOSE_AFTER_SECONDS = 30
"""So long after its deadline a command without an outcome is closed as `lost`."""
ANSWERED_DAYS = 30
"""So long a repeated command is answered as it was the first time, and asked about; later its key is `key_reused`."""


class Answer(Wire):
    """How a command ended: an HTTP status, a problem code when refused, and the result (ids, codes and times only).

    The result of a refusal is what its problem names beside the code, if it names anything.
    """

    status_code: int
    code: Annotated[Code, keeps_later(Code)] | None = None
    result: dict[str, Any] | None = None

    @classmethod
    def refusal(cls, code: Code, named: Mapping[str, str] | None = None, *, later_status: int | None = None) -> "Answer":
        """The answer of a refused command, with the ids and times that its problem names.

        `later_status` is that of a code which only a newer release knows.
        """
        return cls(status_code=kind_of(code, later_status).status, code=code, result=dict(named) if named else None)

    @property
    def succeeded(self) -> bool:
        return self.code is None


class CommandRepeated(DayMessage):
    """The same command arrived again: whoever replies last answers it again. Not guarded: a double is a double reply.

    Entered without `answer` by the service that saw the repeat; booking adds the answer when another service replies last.
    """

    guarded: ClassVar[bool] = False
    type: Literal["CommandRepeated"] = "CommandRepeated"
    answer: Answer | None = None
    appointment_id: UUID | None = None
    """Set when the answer is a check-in's: the queue looks the position up by it."""


class CommandAnswered(Message):
    """The reply to the gateway instance that holds partition `reply_partition`. Nothing depends on its arrival."""

    guarded: ClassVar[bool] = False
    type: Literal["CommandAnswered"] = "CommandAnswered"
    answer: Answer
    replayed: bool = False

    @property
    def key(self) -> bytes:
        return str(self.command_id).encode()


class CommandFailed(DayMessage):
    """A command, or a step of one, is a dead letter: the holder of its outcome refuses it `internal` unless it is decided.

    `failed` is the type of the dead letter, `is_first_step` whether it is the command itself. On the key of what failed.
    """

    type: Literal["CommandFailed"] = "CommandFailed"
    command_id: UUID
    failed: str
    is_first_step: bool


class CommandQuestion(Wire):
    """One pair of a look at a holder."""

    clinic_id: UUID
    command_id: UUID


class CommandLook(Wire):
    """Asks a holder for the outcomes of many commands in one call (`POST /internal/commands/look`)."""

    commands: list[CommandQuestion]


class Outcome(Wire):
    """A stored outcome of a command. Only a settled one is answered to clients."""

    clinic_id: UUID
    command_id: UUID
    type: str
    principal: str
    body_hash: str
    answer: Answer
    accepted_at: datetime
    decided_at: datetime
    settled_at: datetime | None = None


class Outcomes(Wire):
    """What a look answers: the outcomes that exist, in no order."""

    outcomes: list[Outcome]


class OverdueCommand(Wire):
    """A command that has no outcome long after its deadline: all that its outcome has to say of it."""

    clinic_id: UUID
    command_id: UUID
    type: str
    principal: str
    body_hash: str
    accepted_at: datetime
    decide_by: datetime


class CloseCommands(Wire):
    """Asks a holder to refuse commands that never arrived (`POST /internal/commands/close`); it answers with `Outcomes`."""

    commands: list[OverdueCommand]
