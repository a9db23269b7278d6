"""`frontdesk explain ID`: the path of a command through the services, with times and reasons."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deploy.commands.output import out
from deploy.exit_codes import OK
from deploy.explain import evidence as stores
from deploy.explain import story
from deploy.explain.evidence import Evidence, Look
from deploy.explain.naming import Named, commands_of
from deploy.failure import Failure, NotThere, Unreachable
from deploy.kafka_log import fields


@dataclass(frozen=True)
class Told:
    """All that was found by an id."""

    commands: list[Evidence]
    look: Look


def explain(text: str, as_json: bool) -> int:
    """Tell of every command that the id names."""
    told = asyncio.run(_explained(text))
    value = {
        "id": text,
        "commands": [_shown(command) for command in told.commands],
        "log": {"records_read": told.look.read, "complete": told.look.complete},
    }
    out(value, as_json, _lines(told))
    return OK


async def _explained(text: str) -> Told:
    async with stores.opened() as opened:
        named = await commands_of(opened, text)
        found = [await stores.in_stores(opened, command) for command in named.commands]
        look = await _look(named, found)
        if more := _more(look, named):
            found += [await stores.in_stores(opened, command) for command in more]
            look = await _look(named, found)
    for command in found:
        command.records, command.log_complete = stores.of_command(look.records, command.command_id), look.complete
    told = [command for command in found if command]
    if not told and look.failure:
        raise Unreachable(f"the databases know nothing of {text}, and the log cannot be read: {look.failure}")
    if not told:
        raise NotThere(f"nothing is known of {text}: neither the databases nor the {look.read} newest records of the log name it")
    async with stores.opened() as opened:  # a newer snapshot: what the log told of is in it
        for command in told:
            await stores.add_receipts(opened, command)
    return Told(told, look)


async def _look(named: Named, found: list[Evidence]) -> Look:
    """The log from the first time that the stores know of."""
    since = min((at for command in found if (at := command.began)), default=None)
    try:
        return await stores.in_log([named.text, *(str(command.command_id) for command in found)], since)
    except Failure as failure:  # what the databases know is still worth telling
        return Look([], 0, complete=False, failure=failure)


def _more(look: Look, named: Named) -> list[UUID]:
    """Commands of the request, or about the appointment, that only the log ties to it."""
    told = {command for record in look.records if (command := stores.uuid_of(fields(record).get("command_id")))}
    return sorted(told - set(named.commands))


def _shown(command: Evidence) -> dict[str, Any]:
    outcome, steps = command.outcome, story.steps_of(command)
    return {
        "command_id": command.command_id,
        "type": outcome["type"] if outcome else None,
        "status": story.status_of(command),
        "status_code": outcome["status_code"] if outcome else None,
        "code": outcome["code"] if outcome else None,
        "result": outcome["result"] if outcome else None,
        "why": story.why(command),
        "repeats": [{**one, "at": story.iso(one["at"])} for one in story.repeats_of(command)],
        "steps": [
            {"at": story.iso(step.at), "service": step.service, "what": step.what, "detail": step.detail} for step in steps
        ],
    }


def _lines(told: Told) -> Iterator[str]:
    for command in told.commands:
        steps = story.steps_of(command)
        began = f", from {story.iso(steps[0].at)}" if steps else ""
        yield f"{command.command_id}  {story.status_of(command)}{began}"
        yield from (story.line_of(step, steps[0].at) for step in steps)
        yield from (f"  {line}" for line in story.why(command))
        yield ""
    scope = (
        "all of the time in question"
        if told.look.complete
        else "not all of the time in question: older or later ones may be missing"
    )
    yield str(told.look.failure or f"({told.look.read} records of the log read, {scope})")
