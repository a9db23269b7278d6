"""A ticket is believed only as it was written, and only with the key it was written with."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.gateway.commands.tickets import MAX_TICKET_CHARACTERS, Ticket, Tickets

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
TICKET = Ticket(
    clinic_id=UUID(int=1),
    command_id=UUID(int=2),
    type="BookAppointment",
    principal="open",
    body_hash="f" * 64,
    accepted_at=AT,
    decide_by=AT,
)
TICKETS = Tickets(b"a key that is long enough")


def test_a_ticket_is_read_as_it_was_written() -> None:
    text = TICKETS.write(TICKET)
    assert TICKETS.read(text) == TICKET
    assert len(text) < MAX_TICKET_CHARACTERS and not set(text) & set("&=+/?# ")


def test_a_ticket_of_another_key_is_none() -> None:
    assert Tickets(b"another key, long enough too").read(TICKETS.write(TICKET)) is None


def test_a_ticket_for_another_command_cannot_be_made_of_one() -> None:
    other = TICKETS.write(TICKET.model_copy(update={"command_id": UUID(int=3)}))
    forged = other.partition(".")[0] + "." + TICKETS.write(TICKET).partition(".")[2]
    assert TICKETS.read(forged) is None


@pytest.mark.parametrize("text", ["", ".", "zz.11", "é.é", "a" * (MAX_TICKET_CHARACTERS + 1), "no-signature"])
def test_anything_else_is_none(text: str) -> None:
    assert TICKETS.read(text) is None


def test_what_is_signed_but_no_ticket_is_none() -> None:
    payload = "e30"  # {}
    assert TICKETS.read(f"{payload}.{TICKETS._signature(payload.encode())}") is None
