"""Closing: a command that never arrived is refused as `lost`, long after its deadline. Called by `routes/commands.py`."""

from shared.contracts.commands import CloseCommands, Outcomes
from shared.contracts.problems import Code
from shared.infra import outcomes
from shared.infra.audit import SYSTEM, Action
from shared.infra.caller import Caller
from shared.infra.metrics import COMMANDS_CLOSED
from shared.infra.unit import Units


async def close_commands(units: Units, asked: CloseCommands, correlation_id: str) -> Outcomes:
    """Closes those of the commands that have no outcome, and answers the outcomes that all of them have then.

    A command whose deadline is not long enough over stays open, and is left out of the answer.
    """
    pairs = {(one.clinic_id, one.command_id) for one in asked.commands}
    async with units.batch({clinic for clinic, _ in pairs}) as unit:
        closed = await outcomes.close(unit.connection, asked.commands, unit.now)
        for one in {one.command_id: one for one in asked.commands}.values():
            if (one.clinic_id, one.command_id) in closed:
                by = Caller(one.clinic_id, SYSTEM, one.principal, one.command_id, correlation_id)
                unit.record(by, Action.COMMAND_CLOSED, one.command_id, code=Code.LOST, type=one.type)
        found = await outcomes.look(unit.connection, pairs)
    COMMANDS_CLOSED.inc(len(closed))
    return Outcomes(outcomes=list(found.values()))
