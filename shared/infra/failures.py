"""What a service does about a client's command that it could not process and does not decide: it tells booking, which does."""

from shared.contracts.commands import CommandFailed
from shared.contracts.envelope import DayMessage, Message
from shared.contracts.topics import Topic
from shared.infra.kafka.consumer import FailureHandler
from shared.infra.unit import Unit


def tell_holder(topic: Topic) -> FailureHandler:
    """For availability and queue: says on `topic` that a command failed, behind what the service has said there of it before.

    A malformed command may not even say which day it was about; its client is told by the command's deadline.
    """

    async def tell(unit: Unit, message: Message) -> None:
        if isinstance(message, DayMessage):
            failed = CommandFailed(
                **unit.envelope(message),  # type: ignore[arg-type]  # only called for what belongs to a command
                doctor_id=message.doctor_id,
                date=message.date,
                failed=message.type,
                is_first_step=message.is_command,
            )
            unit.emit(topic, failed)

    return tell
