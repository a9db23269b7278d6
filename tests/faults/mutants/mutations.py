"""The mutants: each takes one guard out of this process. Called by the runner, `__main__.py`, by their names."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from services.availability.repository.slots import release
from services.booking.domain.appointments import Appointment
from services.booking.service.appointments import moves
from services.booking.service.appointments.events import emit_released
from shared.contracts.availability import SlotReserved
from shared.contracts.commands import Answer
from shared.contracts.envelope import Message
from shared.infra import inbox, outbox
from shared.infra.inbox import Admitted
from shared.infra.kafka.consumer import Consumer
from shared.infra.outbox import Outbox, Written
from shared.infra.postgres import Connection
from shared.infra.unit import Unit
from tests.faults.mutants.patching import changed, replace


def inbox_dropped() -> None:
    """Every message counts as fresh."""

    async def admit(_connection: Connection, messages: Sequence[Message]) -> Admitted:
        return Admitted(list(messages))

    replace(inbox, "admit", admit)


def reservation_guard_dropped() -> None:
    """A release frees its slot whoever holds it: `WHERE id`, without the reservation."""
    using = "USING (clinic_id, doctor_id, date, id, reservation_id)"
    release.RELEASE = changed(release.RELEASE, using, using.replace(", reservation_id", ""))


def offsets_first() -> None:
    """Offsets are committed as soon as records are fetched, before the SQL commit: what a client's auto-commit amounts to."""
    consume, commit = Consumer.consume, Consumer._commit

    async def commit_and_consume(self: Consumer, records: Sequence[Any]) -> None:
        await commit(self, records)
        await consume(self, records)

    replace(Consumer, "consume", commit_and_consume)


def left_to_relay() -> None:
    """Nobody publishes what it committed, as if it died right then: the relay has to. No mutant by itself."""

    async def publish(self: Outbox, batch: Written) -> None:
        self._published.difference_update(batch.cleared)

    replace(Outbox, "publish", publish)


def high_water_mark() -> None:
    """The relay goes on behind the highest id that it has read."""
    send, relay, left_over = Outbox._send, Outbox._relay, outbox.LEFT_OVER
    mark = 0

    async def send_and_mark(self: Outbox, ids: list[int], *rest: Any) -> list[bool]:
        nonlocal mark
        mark = max([mark, *ids])
        return await send(self, ids, *rest)

    async def relay_behind_mark(self: Outbox, connection: Connection) -> int:
        outbox.LEFT_OVER = changed(left_over, "WHERE id <>", f"WHERE id > {mark} AND id <>")
        return await relay(self, connection)

    replace(Outbox, "_send", send_and_mark)
    replace(Outbox, "_relay", relay_behind_mark)


def wrong_place_given_back() -> None:
    """A move releases the slot that it has just got."""

    def release_new_slot(unit: Unit, cause: SlotReserved, before: Appointment, answer: Answer) -> None:
        got = {name: getattr(cause, name) for name in ("doctor_id", "date", "slot_id", "reservation_id")}
        emit_released(unit, cause, dataclasses.replace(before, **got), answer)

    replace(moves, "emit_released", release_new_slot)


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (
        inbox_dropped,
        reservation_guard_dropped,
        offsets_first,
        left_to_relay,
        high_water_mark,
        wrong_place_given_back,
    )
}
