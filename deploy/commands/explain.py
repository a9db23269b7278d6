"""`frontdesk explain ID`: the path of a command through the services, with times and reasons; and what happened without one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deploy.addresses import who_runs_servers
from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out
from deploy.exit_codes import OK
from deploy.failure import Failure, Misused, NotThere, Unreachable
from deploy.inspect.explain import appointments, databases, log_search, summary, timeline
from deploy.inspect.explain.candidates import CandidateCommands, candidates_of
from deploy.inspect.explain.log_search import LogSearch
from deploy.inspect.explain.trace import CommandTrace, iso, uuid_of
from deploy.inspect.kafka_log import fields


@dataclass(frozen=True)
class Explanation:
    """All that was found by an id."""

    commands: list[CommandTrace]
    without_command: CommandTrace
    """What happened without a command."""
    log: LogSearch


def explain(text: str, as_json: bool) -> int:
    """Explain every command that the id names. Raises `Misused` without an id, which a variable of a shell may turn out to be."""
    if not text.strip():
        raise Misused("explain needs an id, and this one is empty\n  try: frontdesk explain --help")
    found = asyncio.run(_explained(text))
    value = {
        "id": text,
        "commands": [_shown(command) for command in found.commands],
        "without_command": {"why": appointments.sentences(found.without_command), "steps": _steps(found.without_command)},
        "log": {"records_read": found.log.read, "complete": found.log.complete},
    }
    out(value, as_json, _lines(found))
    return OK


async def _explained(text: str) -> Explanation:
    """Ask the databases first, then the log, then the databases for what only the log tied to the id."""
    async with databases.opened(ADDRESSES) as snapshots:
        candidates = await candidates_of(snapshots, text)
        traces = [await databases.trace_of(snapshots, command) for command in candidates.commands]
        without = await databases.without_command(snapshots, text, [trace for trace in traces if trace])
        log = await _search(candidates, [*traces, without])
        if more := _only_in_log(log, candidates):
            traces += [await databases.trace_of(snapshots, command) for command in more]
            log = await _search(candidates, [*traces, without])
    for trace in (*traces, without):
        trace.records, trace.commands_complete = log_search.of_command(log.records, trace.command_id), log.commands_complete
    if not without.audit:
        without.records = []  # messages about others may name the id
    found = Explanation([trace for trace in traces if trace], without, log)
    _check_known(found, text)
    async with databases.opened(ADDRESSES) as snapshots:  # newer ones: what the log has is in them
        for trace in (*found.commands, without):
            await databases.add_receipts(snapshots, trace)
    return found


def _check_known(found: Explanation, text: str) -> None:
    """Raises `NotThere` if nothing was found, `Unreachable` if it may be in the log, which could not be read."""
    if found.commands or found.without_command:
        return
    if found.log.failure:
        why = found.log.failure.shown(who_runs_servers())
        raise Unreachable(f"the databases know nothing of {text}, and the log cannot be read: {why}")
    raise NotThere(
        f"nothing is known of {text}: neither the databases nor the {found.log.read} newest records of the log name it"
    )


async def _search(candidates: CandidateCommands, traces: list[CommandTrace]) -> LogSearch:
    """The log from the first time that the databases know of."""
    since = min((at for trace in traces if (at := trace.began)), default=None)
    texts = [candidates.text, *(str(trace.command_id) for trace in traces if trace.command_id)]
    try:
        return await log_search.search(ADDRESSES.kafka(), texts, since)
    except Failure as failure:  # what the databases know is still worth showing
        return LogSearch([], 0, failure=failure)


def _only_in_log(log: LogSearch, candidates: CandidateCommands) -> list[UUID]:
    """Commands of the request, or about the appointment, that only the log ties to it."""
    found = {command for record in log.records if (command := uuid_of(fields(record).get("command_id")))}
    return sorted(found - set(candidates.commands))


def _shown(command: CommandTrace) -> dict[str, Any]:
    outcome = command.outcome
    return {
        "command_id": command.command_id,
        "type": outcome["type"] if outcome else None,
        "status": summary.status_of(command),
        "status_code": outcome["status_code"] if outcome else None,
        "code": outcome["code"] if outcome else None,
        "result": outcome["result"] if outcome else None,
        "why": summary.why(command),
        "repeats": [{**one, "at": iso(one["at"])} for one in summary.repeats_of(command)],
        "steps": _steps(command),
    }


def _steps(trace: CommandTrace) -> list[dict[str, Any]]:
    steps = timeline.steps_of(trace)
    return [{"at": iso(step.at), "service": step.service, "what": step.what, "detail": step.detail} for step in steps]


def _lines(found: Explanation) -> Iterator[str]:
    for command in found.commands:
        yield from _paragraph(f"{command.command_id}  {summary.status_of(command)}", command, summary.why(command))
    if found.without_command:
        yield from _paragraph("without a command", found.without_command, appointments.sentences(found.without_command))
    if found.log.failure:
        yield found.log.failure.shown(who_runs_servers())
        return
    scope = "all" if found.log.complete else "not all"
    missing = "" if found.log.complete else ": older or later ones may be missing"
    yield f"({found.log.read} records of the log read, {scope} of the time in question{missing})"


def _paragraph(title: str, trace: CommandTrace, why: list[str]) -> Iterator[str]:
    steps = timeline.steps_of(trace)
    yield title + (f", from {iso(steps[0].at)}" if steps else "")
    yield from (timeline.line_of(step, steps[0].at) for step in steps)
    yield from (f"  {line}" for line in why)
    yield ""
