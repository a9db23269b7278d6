"""`frontdesk dlq`: lists and shows what the services could not process, and hands it back to them."""

import asyncio
import json
from typing import Any

from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out, table
from deploy.exit_codes import FAILED, OK
from deploy.failure import Misused, NotThere
from deploy.inspect import dead_letters
from deploy.inspect.dead_letters import DeadLetter
from deploy.stores import kafka_clients


def show_all(as_json: bool) -> int:
    """One line for each topic and group that has dead letters."""
    rows = dead_letters.summary(asyncio.run(_find()))
    cells = [
        [
            row["topic"],
            *(str(row[name]) for name in ("count", "waiting", "oldest", "newest")),
            *map(_counts, (row["types"], row["errors"])),
        ]
        for row in rows
    ]
    lines = table(cells, ["TOPIC", "LETTERS", "WAITING", "OLDEST", "NEWEST", "TYPES", "ERRORS"]) if rows else ["no dead letters"]
    out({"topics": rows}, as_json, lines)
    return OK


async def _find() -> list[DeadLetter]:
    async with kafka_clients.reader(ADDRESSES.kafka()) as consumer:
        return await dead_letters.find(consumer)


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.items())


def show(name: str) -> int:
    """Headers and body of a letter, as JSON."""
    found = asyncio.run(_named(name))
    print(json.dumps({"letters": [dead_letters.shown(letter) for letter in found]}, indent=2))
    return OK


async def _named(name: str) -> list[DeadLetter]:
    async with kafka_clients.reader(ADDRESSES.kafka()) as consumer:
        found = await dead_letters.named(consumer, name)
    if not found:
        raise NotThere(f"there is no dead letter {name}\n  try: frontdesk dlq list")
    return found


def redrive(name: str | None, everything_of: str | None, again: bool, dry_run: bool, as_json: bool) -> int:
    """Hand dead letters to the group that could not process them; 1 if some of what was asked for cannot go back."""
    chosen, left = asyncio.run(_redrive(name, everything_of, again, dry_run))
    done = "would go back" if dry_run else "handed"
    lines = [f"{letter.place}  {letter.type}  {done} to {letter.group}" for letter in chosen]
    lines += [f"{letter.place}  {letter.type}  not redriven: {reason}" for letter, reason in left]
    value: dict[str, Any] = {
        "dry_run": dry_run,
        "redriven": [letter.place for letter in chosen],
        "not_redriven": [{"letter": letter.place, "reason": reason} for letter, reason in left],
    }
    out(value, as_json, lines or ["nothing to redrive"])
    return FAILED if left else OK


async def _redrive(
    name: str | None, everything_of: str | None, again: bool, dry_run: bool
) -> tuple[list[DeadLetter], list[tuple[DeadLetter, str]]]:
    if (name is None) == (everything_of is None):
        raise Misused("name one dead letter, or --all TOPIC\n  try: frontdesk dlq list")
    found = await _named(name) if name else await _of_topic(everything_of or "")
    if name and len(found) > 1:
        raise Misused(f"several letters have this id; name one: {', '.join(letter.place for letter in found)}")
    if everything_of and not again:
        found = [letter for letter in found if not letter.redriven]
    judged = [(letter, _why_not(letter, again)) for letter in found]
    chosen = [letter for letter, reason in judged if reason is None]
    if not dry_run:
        await dead_letters.redrive(ADDRESSES.kafka(), chosen)
    return chosen, [(letter, reason) for letter, reason in judged if reason]


def _why_not(letter: DeadLetter, again: bool) -> str | None:
    if letter.redriven and not again:
        return "it was redriven before; --again does it once more"
    return letter.why_not


async def _of_topic(topic: str) -> list[DeadLetter]:
    if topic not in dead_letters.TOPICS:
        raise NotThere(f"no topic of dead letters is called {topic}; there are: {', '.join(dead_letters.TOPICS)}")
    async with kafka_clients.reader(ADDRESSES.kafka()) as consumer:
        return await dead_letters.find(consumer, [topic])
