"""`frontdesk explain ID`: the path of a command through the services, with times and reasons; and what happened without one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deploy.commands.output import out
from deploy.exit_codes import OK
from deploy.failure import Failure, NotThere, Unreachable
from deploy.inspect.explain import evidence as stores
from deploy.inspect.explain import others, story
from deploy.inspect.explain.evidence import Evidence, Look
from deploy.inspect.explain.naming import Named, commands_of
from deploy.inspect.kafka_log import fields


@dataclass(frozen=True)
class Told:
    """All that was found by an id."""

    commands: list[Evidence]
    unasked: Evidence
    """What happened without a command."""
    look: Look


def explain(text: str, as_json: bool) -> int:
    """Tell of every command that the id names."""
    told = asyncio.run(_explained(text))
    value = {
        "id": text,
        "commands": [_shown(command) for command in told.commands],
        "without_command": {"why": others.sentences(told.unasked), "steps": _steps(told.unasked)},
        "log": {"records_read": told.look.read, "complete": told.look.complete},
    }
    out(value, as_json, _lines(told))
    return OK


async def _explained(text: str) -> Told:
    async with stores.opened() as opened:
        named = await commands_of(opened, text)
        found = [await stores.in_stores(opened, command) for command in named.commands]
        alone = await stores.without_command(opened, text, [command for command in found if command])
        look = await _look(named, [*found, alone])
        if more := _more(look, named):
            found += [await stores.in_stores(opened, command) for command in more]
            look = await _look(named, [*found, alone])
    for command in (*found, alone):
        command.records, command.commands_complete = stores.of_command(look.records, command.command_id), look.commands_complete
    told = [command for command in found if command]
    if not alone.audit:
        alone.records = []  # others' messages may name the id
    if not told and not alone and look.failure:
        raise Unreachable(f"the databases know nothing of {text}, and the log cannot be read: {look.failure}")
    if not told and not alone:
        raise NotThere(f"nothing is known of {text}: neither the databases nor the {look.read} newest records of the log name it")
    async with stores.opened() as opened:  # a newer snapshot: what the log told of is in it
        for command in (*told, alone):
            await stores.add_receipts(opened, command)
    return Told(told, alone, look)


async def _look(named: Named, found: list[Evidence]) -> Look:
    """The log from the first time that the stores know of."""
    since = min((at for command in found if (at := command.began)), default=None)
    try:
        return await stores.in_log([named.text, *(str(id_) for command in found if (id_ := command.command_id))], since)
    except Failure as failure:  # what the databases know is still worth telling
        return Look([], 0, failure=failure)


def _more(look: Look, named: Named) -> list[UUID]:
    """Commands of the request, or about the appointment, that only the log ties to it."""
    told = {command for record in look.records if (command := stores.uuid_of(fields(record).get("command_id")))}
    return sorted(told - set(named.commands))


def _shown(command: Evidence) -> dict[str, Any]:
    outcome = command.outcome
    return {
        "command_id": command.command_id,
        "type": outcome["type"] if outcome else None,
        "status": story.status_of(command),
        "status_code": outcome["status_code"] if outcome else None,
        "code": outcome["code"] if outcome else None,
        "result": outcome["result"] if outcome else None,
        "why": _why(command),
        "repeats": [{**one, "at": story.iso(one["at"])} for one in story.repeats_of(command)],
        "steps": _steps(command),
    }


def _why(command: Evidence) -> list[str]:
    return [*story.why(command), *others.sentences(command)]


def _steps(evidence: Evidence) -> list[dict[str, Any]]:
    steps = story.steps_of(evidence)
    return [{"at": story.iso(step.at), "service": step.service, "what": step.what, "detail": step.detail} for step in steps]


def _lines(told: Told) -> Iterator[str]:
    for command in told.commands:
        yield from _story(f"{command.command_id}  {story.status_of(command)}", command, _why(command))
    if told.unasked:
        yield from _story("without a command", told.unasked, others.sentences(told.unasked))
    scope = (
        "all of the time in question"
        if told.look.complete
        else "not all of the time in question: older or later ones may be missing"
    )
    yield str(told.look.failure or f"({told.look.read} records of the log read, {scope})")


def _story(title: str, evidence: Evidence, why: list[str]) -> Iterator[str]:
    steps = story.steps_of(evidence)
    yield title + (f", from {story.iso(steps[0].at)}" if steps else "")
    yield from (story.line_of(step, steps[0].at) for step in steps)
    yield from (f"  {line}" for line in why)
    yield ""
