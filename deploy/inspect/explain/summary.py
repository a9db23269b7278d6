"""How far a command is and why it ended as it did, in sentences for a person. Pure: a trace in, text out."""

from typing import Any

from deploy.inspect import kafka_log
from deploy.inspect.explain import appointments
from deploy.inspect.explain.trace import CommandTrace, ServiceRow, iso, written_at
from shared.contracts.later_values import value_of
from shared.contracts.problem_kinds import kind_of
from shared.contracts.problems import Code

UNDECIDED = {
    "running": "Nobody has decided it yet.",
    "done": "It was a call that needs no outcome.",
    "unknown": "No outcome is stored: it is under way, or a call that needs none. The log, which would tell, was not read whole.",
}


def status_of(trace: CommandTrace) -> str:
    """How far the command is: running, done, unknown, unsettled, refused or succeeded."""
    outcome = trace.outcome
    if outcome is None:
        return "running" if trace.commands else "done" if trace.commands_complete else "unknown"
    if outcome["settled_at"] is None:
        return "unsettled"
    return "refused" if outcome["code"] else "succeeded"


def repeats_of(trace: CommandTrace) -> list[dict[str, Any]]:
    """Each time that the command came again: when, and whether its body was the same."""
    return [{"at": written_at(record), "same_body": trace.is_repeat(kafka_log.fields(record))} for record in trace.commands[1:]]


def why(trace: CommandTrace) -> list[str]:
    """Why it ended so, whether it is settled and was sent again, and what became of its appointments."""
    outcome = trace.outcome
    lines = [UNDECIDED[status_of(trace)]] if outcome is None else _of_outcome(outcome, trace)
    if again := repeats_of(trace):
        times = "once" if len(again) == 1 else f"{len(again)} times"
        lines.append(f"It was sent again {times}: {', '.join(iso(one['at']) for one in again)}.")
    return [*lines, *appointments.sentences(trace)]


def _of_outcome(outcome: ServiceRow, trace: CommandTrace) -> list[str]:
    lines = [_end_of(outcome)]
    if not outcome["code"] and (outcome["result"] or {}).get("expires_at"):
        lines.append(f"It is held until {outcome['result']['expires_at']}: unless it is confirmed by then, it expires.")
    if outcome["code"] == Code.LOST:
        late = outcome["decided_at"] - outcome["accepted_at"]
        lines.append(f"It was closed {late.total_seconds():.0f} s after it had been accepted; {_arrival(trace)}.")
    if outcome["settled_at"] is None:
        lines.append("It is decided and not settled: a service still owes its last step, so clients are told 202.")
    return lines


def _end_of(outcome: ServiceRow) -> str:
    """The refusal with its cause and fix, or the result without what is not set; its times are among the steps."""
    if outcome["code"]:
        kind = kind_of(value_of(Code, outcome["code"]))
        return f"{outcome['status_code']} {outcome['code']}: {kind.title}. {kind.cause} {kind.fix}"
    result = (outcome["result"] or {}).items()
    shown = ", ".join(f"{name} {value}" for name, value in result if value is not None and not name.endswith("_at"))
    return f"{outcome['status_code']}: {shown}"


def _arrival(trace: CommandTrace) -> str:
    if trace.commands:
        return "its message is in the log all the same"
    return "its message is nowhere in the log" if trace.commands_complete else "whether its message is in the log was not seen"
