"""`frontdesk demo`: more patients book at once than there are places, then some check in; shows that all went as it must."""

import asyncio
from collections.abc import Iterator

from deploy.commands import race
from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out, table
from deploy.commands.race import RaceResult
from deploy.exit_codes import FAILED, OK


def demo(as_json: bool) -> int:
    """Run it and show what happened; 1 if it is not what has to happen."""
    ran = asyncio.run(race.run(ADDRESSES.api()))
    value = {
        "doctor_id": ran.doctor_id,
        "date": ran.date,
        "asked": len(ran.attempts),
        "endings": dict(ran.endings),
        "slots": ran.slots,
        "milliseconds": ran.milliseconds,
        "queue": ran.queue,
        "as_it_must": ran.as_it_must,
    }
    out(value, as_json, _lines(ran))
    return OK if ran.as_it_must else FAILED


def _lines(ran: RaceResult) -> Iterator[str]:
    yield f"{race.PATIENTS} patients ask at once for the {race.PLACES} places of Dr Rosa Race on {ran.date}"
    yield from _indented(table([[ending, str(count)] for ending, count in sorted(ran.endings.items())], ["ANSWER", "PATIENTS"]))
    yield f"  places given: {' '.join(map(str, ran.slots))}"
    times = ran.milliseconds
    yield f"  answered within {times['fastest']:.0f} to {times['slowest']:.0f} ms, half of them within {times['median']:.0f} ms"
    yield f"{race.ARRIVALS} of them arrive at once; the queue in front of her:"
    rows = [[str(entry["position"]), entry["patient_id"], entry["state"]] for entry in ran.queue]
    yield from _indented(table(rows, ["POSITION", "PATIENT", "STATE"]))
    rule = "each place once, everybody else 409 full, positions without a gap"
    yield f"as it must be: {rule}" if ran.as_it_must else f"NOT AS IT MUST BE, which is: {rule}"
    keys = [next((one.key for one in some), None) for some in (ran.booked, ran.refused)]
    yield " Why: " + " · ".join(f"frontdesk explain {key}" for key in keys if key)


def _indented(lines: list[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
