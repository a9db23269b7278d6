"""A client as a good one is: it keeps each command's idempotency key, repeats until the command ended, and remembers all answers.

What it was told is the history that the checker reads. It asks all gateways in turns, so that one that is killed is no end.
"""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from tests.checker.history import Entry, History
from tests.support.dates import in_days
from tests.support.transports import TLS

API = "/api/v1"
TIMEOUT_SECONDS = 15.0
REPEAT_SECONDS = 0.25
END_WITHIN_SECONDS = 90.0
AT_ONCE = 16
NOT_YET = (202, 503)
"""Answers that are no end: it still runs, or nobody can say."""


@dataclass
class Command:
    """One command of the client's, and what it was told of it."""

    path: str
    body: dict[str, Any]
    key: str = field(default_factory=lambda: uuid4().hex)
    told: list[Entry] = field(default_factory=list)

    @property
    def end(self) -> Entry | None:
        """The first answer that was final."""
        return next((one for one in self.told if is_final(one)), None)

    @property
    def ended(self) -> Entry:
        """What it was told in the end, which there must be."""
        assert self.end is not None, f"no end of {self.path} after {self.statuses}"
        return self.end

    @property
    def result(self) -> dict[str, Any]:
        """The body of the end."""
        return dict(self.ended.json or {})

    @property
    def statuses(self) -> list[int | None]:
        return [entry.status for entry in self.told]


ENDS = {
    "book": {201, 409},
    "hold": {201, 409},
    "confirm": {200, 409},
    "move": {200, 409},
    "cancel": {200, 409},
    "check-in": {201, 409, 422},
}
"""How a command may end, by what it asks; 422 is the patient whose appointment it is not, or the day to which it was moved."""


def is_final(entry: Entry) -> bool:
    """Whether an answer ends its command."""
    return entry.status is not None and entry.status not in NOT_YET


class Client:
    """Asks the gateways, `AT_ONCE` commands at a time."""

    def __init__(self, gateways: Sequence[httpx2.AsyncClient], history: History) -> None:
        self.gateways = list(gateways)
        self.history = history
        self.commands: list[Command] = []
        self.doctors: list[str] = []
        """Those that it registered."""
        self.gone: set[str] = set()
        """Doctors who are deleted in the middle of it: bookings may find no such doctor."""
        self.closed: set[tuple[str, str]] = set()
        """Dates of doctors that are closed in the middle of it: bookings may find the doctor absent."""
        self.sent = 0
        """How often anything was sent: goes on, whatever is away."""
        self.ended = 0
        """How many commands ended."""
        self._places = asyncio.Semaphore(AT_ONCE)
        self._progress = asyncio.Condition()

    @property
    def http(self) -> httpx2.AsyncClient:
        """The first gateway, for reads."""
        return self.gateways[0]

    async def register(self, doctors: int = 1, patients: int = 5) -> tuple[list[str], list[str]]:
        """So many doctors and patients of this client's own."""
        people = [
            {"name": f"Patient {uuid4().hex}", "phone": "+44 7700 900123", "date_of_birth": f"19{60 + n}-04-12"}
            for n in range(patients)
        ]
        made = [await self.made("/doctors", {"name": "Dr Ada Osei", "code": f"ada-{uuid4().hex[:12]}"}) for _ in range(doctors)]
        self.doctors += made
        return made, [await self.made("/patients?on_duplicate=create", person) for person in people]

    async def made(self, path: str, body: dict[str, Any]) -> str:
        """The id of what a registry POST made; asked of the gateways in turns, with one key, until one answers."""
        headers = {"Idempotency-Key": uuid4().hex}
        async with asyncio.timeout(END_WITHIN_SECONDS):
            for gateway in itertools.cycle(self.gateways):
                with contextlib.suppress(httpx2.TransportError):
                    answer = await gateway.post(f"{API}{path}", json=body, headers=headers)
                    if answer.status_code not in NOT_YET:
                        break
                await asyncio.sleep(REPEAT_SECONDS)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    async def post(self, command: Command, gateway: int = 0) -> httpx2.Response | None:
        """Sends it once, to one gateway, and remembers what came back, if anything did."""
        number = gateway % len(self.gateways)
        started, answer = time.time(), None
        with contextlib.suppress(httpx2.TransportError):
            headers = {"Idempotency-Key": command.key}
            answer = await self.gateways[number].post(f"{API}{command.path}", json=command.body, headers=headers)
        entry = entry_of(command, started, answer, str(self.gateways[number].base_url))
        command.told.append(entry)
        self.history.add(entry)
        self.sent += 1
        await self._tell()
        return answer

    async def send(self, command: Command, gateway: int = 0) -> Entry:
        """The same; answers with what is remembered of it."""
        await self.post(command, gateway)
        return command.told[-1]

    async def finish(self, command: Command) -> Command:
        """Sends it with the same key, to the gateways in turns, until it ended."""
        turn = len(self.commands)
        self.commands.append(command)
        async with self._places:
            deadline = time.monotonic() + END_WITHIN_SECONDS
            while not is_final(await self.send(command, turn)):
                assert time.monotonic() < deadline, f"no end of {command.path} after {command.statuses}"
                turn += 1
                await asyncio.sleep(REPEAT_SECONDS)
        self.ended += 1
        await self._tell()
        return command

    async def again(self, command: Command) -> Entry:
        """What the key answers now, after the end, at the gateway that did not give the end."""
        async with self._places, asyncio.timeout(END_WITHIN_SECONDS):
            turn = len(command.told)
            while not is_final(entry := await self.send(command, turn)):
                turn += 1
                await asyncio.sleep(REPEAT_SECONDS)
            return entry

    async def all_again(self) -> None:
        """Asks for every key once more: the answers join the history, where the checker compares them."""
        await asyncio.gather(*map(self.again, self.commands))

    async def one_look_each(self) -> None:
        """Every command's id tells of the same end as its key did."""
        for command in self.commands:
            end = command.ended
            look = await self.look(str(end.command_id))
            assert (look.status_code, look.json()["status_code"]) == (200, end.status), command.statuses
            if look.json()["status"] == "succeeded":
                assert look.json()["result"] == end.json

    async def look(self, command_id: str) -> httpx2.Response:
        """What the command's id tells; asked again while nobody can say."""
        async with self._places, asyncio.timeout(END_WITHIN_SECONDS):
            while (answer := await self.http.get(f"{API}/commands/{command_id}")).status_code == 503:  # noqa: ASYNC110
                await asyncio.sleep(REPEAT_SECONDS)
            return answer

    async def after(self, *, ended: int = 0, sent: int = 0) -> None:
        """Returns once so many commands have ended, and so many requests were answered or broken off."""
        async with asyncio.timeout(END_WITHIN_SECONDS), self._progress:
            await self._progress.wait_for(lambda: self.ended >= ended and self.sent >= sent)

    async def _tell(self) -> None:
        async with self._progress:
            self._progress.notify_all()

    def ends(self) -> Counter[tuple[str, int]]:
        """How the commands ended, by what they ask and status."""
        ended = ((command, command.end) for command in self.commands)
        return Counter((kind_of(command), end.status or 0) for command, end in ended if end)

    @property
    def surprises(self) -> list[tuple[str, int | None, str | None]]:
        """Answers that no fault may lead to: a client sees broken connections, 202, 503 and its command's end."""
        return [
            (command.path, entry.status, entry.code)
            for command in self.commands
            for entry in command.told
            if entry.status not in {None, *NOT_YET, *ENDS[kind_of(command)], *self._by_the_clinic(command)}
        ]

    def _by_the_clinic(self, command: Command) -> set[int]:
        """How a booking or a move, which need not name its doctor, may end as the clinic or the clock went on meanwhile."""
        if kind_of(command) == "move":
            return ({404} if self.gone else set()) | ({422} if self.closed else set())
        doctor, date = command.body.get("doctor_id", ""), command.body.get("date", "")
        is_over = bool(date) and date < in_days().isoformat()
        return ({404} if doctor in self.gone else set()) | ({422} if is_over or (doctor, date) in self.closed else set())

    @property
    def troubles(self) -> Counter[str]:
        """What was no end, by what it was instead: a broken connection, 202, 503."""
        entries = (entry for command in self.commands for entry in command.told if not is_final(entry))
        return Counter("broken" if entry.status is None else str(entry.status) for entry in entries)


def entry_of(command: Command, started: float, answer: httpx2.Response | None, gateway: str) -> Entry:
    """What is remembered of one request."""
    body = json_of(answer)
    return Entry(
        key=command.key,
        path=command.path,
        body=command.body,
        started=started,
        ended=time.time(),
        status=None if answer is None else answer.status_code,
        code=body.get("code") if body else None,
        json=body,
        command_id=None if answer is None else answer.headers.get("Command-Id"),
        gateway=gateway,
    )


def json_of(answer: httpx2.Response | None) -> dict[str, Any] | None:
    """The object that an answer carries, if it carries one."""
    if answer is None or not answer.content:
        return None
    return dict(answer.json())


KINDS = {"cancel": "cancel", "confirm": "confirm", "reschedule": "move", "checkins": "check-in"}


def kind_of(command: Command) -> str:
    """What a command asks for."""
    last = command.path.rsplit("/", 1)[-1]
    return KINDS.get(last) or ("book" if command.body.get("confirm", True) else "hold")


@contextlib.asynccontextmanager
async def client_of(urls: Iterable[str], history: History) -> AsyncIterator[Client]:
    """A client of these gateways."""
    async with contextlib.AsyncExitStack() as stack:
        sessions = [httpx2.AsyncClient(base_url=url, verify=TLS, timeout=TIMEOUT_SECONDS, trust_env=False) for url in urls]
        yield Client([await stack.enter_async_context(session) for session in sessions], history)
