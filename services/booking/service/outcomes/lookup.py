"""Looking up outcomes for gateways, which ask for those of their open commands. Called by `routes/commands.py`."""

from shared.contracts.commands import CommandLook, Outcomes
from shared.infra import outcomes
from shared.infra.unit import Units


async def look_up_outcomes(units: Units, asked: CommandLook) -> Outcomes:
    """The outcomes of many commands, of exactly the clinics of their pairs. Those that nobody has decided are left out."""
    pairs = {(question.clinic_id, question.command_id) for question in asked.commands}
    async with units.batch({clinic for clinic, _ in pairs}) as unit:
        found = await outcomes.look(unit.connection, pairs)
    return Outcomes(outcomes=list(found.values()))
