"""What a service that holds no outcomes does about a command that it could not process: it tells the service that holds them."""

from shared.contracts.commands import CommandFailed
from shared.contracts.envelope import DayMessage, Message
from shared.contracts.topics import Topic
from shared.infra.kafka.consumer import FailureHandler
from shared.infra.unit import Unit


def tell_holder(topic: Topic) -> FailureHandler:
    """For a service that holds no outcomes: says on `topic` that a command failed, behind what it has said there of it before.

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
