"""The status of a command that a client asks about: its outcome, or its own ticket while no service has decided it.

A command that is undecided long after its deadline is closed by being asked about: only booking can say that it never arrived.
Called by the commands' route.
"""

from datetime import datetime, timedelta
from uuid import UUID

from services.gateway.access.caller import ApiCaller
from services.gateway.commands.tickets import Ticket
from services.gateway.gateway import Gateway
from shared.contracts.commands import ANSWERED_DAYS, CLOSE_AFTER_SECONDS, Answer, Outcome, OverdueCommand
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError


async def status_of(gateway: Gateway, caller: ApiCaller, command_id: UUID, ticket_text: str | None) -> Outcome | Ticket:
    """The outcome of the caller's command, settled or not, or its ticket.

    Raises `unknown_command` for one that has neither, `unavailable` while booking does not answer.
    """
    now = gateway.database_clock.now()
    ticket = _own(gateway.tickets.read(ticket_text) if ticket_text else None, command_id, caller, now)
    outcome = next(iter(await gateway.owners.outcomes([(caller.clinic_id, command_id)])), None)
    if outcome is None and ticket is not None and _is_overdue(ticket, now):
        outcome = await gateway.owners.close_command(OverdueCommand.model_validate(ticket.model_dump()))
    if outcome is not None and outcome.principal == caller.principal:
        return _of_its_body(outcome, ticket)
    if ticket is None:
        raise ProblemError(Code.UNKNOWN_COMMAND)
    return ticket


def _own(ticket: Ticket | None, command_id: UUID, caller: ApiCaller, now: datetime) -> Ticket | None:
    """The ticket, if it is about this command of this caller, and not so old that its outcome may be removed."""
    if ticket is None or ticket.accepted_at < now - timedelta(days=ANSWERED_DAYS):
        return None
    mine = (ticket.command_id, ticket.clinic_id, ticket.principal) == (command_id, caller.clinic_id, caller.principal)
    return ticket if mine else None


def _is_overdue(ticket: Ticket, now: datetime) -> bool:
    """Whether no service can decide the command any more."""
    return ticket.body_hash is not None and ticket.decide_by + timedelta(seconds=CLOSE_AFTER_SECONDS) < now


def _of_its_body(outcome: Outcome, ticket: Ticket | None) -> Outcome:
    """The outcome of the request that the ticket was given for: with another body under the same key that was refused."""
    if ticket is None or ticket.body_hash in (None, outcome.body_hash):
        return outcome
    refused = {"answer": Answer.refusal(Code.KEY_REUSED), "type": ticket.type, "accepted_at": ticket.accepted_at}
    return outcome.model_copy(update=refused)
