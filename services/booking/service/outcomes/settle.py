"""Settling: by the event of its last step a decided command is settled, and may be answered. Called by `handlers.py`."""

from collections.abc import Sequence

from services.booking.service.outcomes.decisions import success
from shared.contracts.availability import SlotFreed
from shared.contracts.queue import PatientQueued
from shared.infra import outcomes
from shared.infra.unit import Unit


async def settle(unit: Unit, messages: Sequence[SlotFreed | PatientQueued]) -> None:
    """Settles the outcomes of the messages' commands: a freed slot keeps the answer, a queue entry becomes the answer."""
    settled = [
        (message.clinic_id, message.command_id, success(message.entry, 201) if isinstance(message, PatientQueued) else None)
        for message in messages
        if message.command_id
    ]
    if settled:
        await outcomes.settle(unit.connection, settled, unit.now)
