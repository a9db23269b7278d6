"""The composed system does what the README says, and loses nothing: in this order, on one system, from its start to its end."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import httpx2
import pytest

from deploy import installation
from tests.checker.history import Entry
from tests.compose.conftest import DOWN, INTEGRATION, PSQL, SCALE, TOOLS, UP, UPGRADE
from tests.compose.project import ALL, Project
from tests.faults.client import API, Client, Command
from tests.support.dates import in_days
from tests.support.readme import README, paste, responses, shell_blocks

SERVICES = installation.names()

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

PASTE_SECONDS = 100.0
CLIENTS = 8
REPLICAS = {"booking": (3, "SlotReserved"), "availability": (2, "BookAppointment")}


def test_up_again_changes_nothing(project: Project, lines: list[str]) -> None:
    before = project.containers()
    project.type(lines[UP])
    assert project.containers() == before
    assert {name.split("-")[-2] for name in before} == set(ALL)


def test_an_upgrade_replaces_what_runs(project: Project, lines: list[str]) -> None:
    project.environment = {**project.environment, "REVISION": "newer"}
    project.type(lines[UPGRADE])
    running = {name.split("-")[-2]: container for name, container in project.containers().items()}
    assert {service: project.revision(running[service]) for service in SERVICES} == dict.fromkeys(SERVICES, "newer")


def test_the_readme_works_as_pasted(project: Project) -> None:
    """The blocks that speak to the API; the others are about the stack without Docker."""
    everywhere = shell_blocks(README.replace(":8000", f":{project.port}"))
    blocks = {heading: block for heading, block in everywhere.items() if API in block or "$API" in block}
    pasted = paste(blocks, dict(project.environment), PASTE_SECONDS)
    booked = json.loads(pasted["Book"])
    assert (booked["slot"], booked["status"]) == (1, "booked")
    assert json.loads(pasted["Check in"].splitlines()[0])["position"] == 1
    assert json.loads(pasted["Be refused"])["code"] == "already_checked_in"
    (_, first), (again, second) = responses(pasted["Send it twice"])
    assert first == second and "idempotent-replayed: true" in again
    assert json.loads(pasted["Cancel"])["id"] == first["id"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_do_and_see_little(project: Project, service: str) -> None:
    look = (
        "import os, json, pathlib; print(json.dumps([os.getuid(), os.access('/', os.W_OK), os.access('/opt/frontdesk', os.W_OK),"
        " sorted(os.listdir('/run/secrets')), [n for n in os.environ if 'PASSWORD' in n],"
        " [l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapEff', 'NoNewPrivs'))]]))"
    )
    own = {"booking": ["identifier.key"], "gateway": ["ticket.key"]}
    seen = json.loads(project.python(service, look))
    assert seen == [10001, False, False, sorted(["postgres.url", *own.get(service, [])]), [], ["0000000000000000", "1"]]


def test_the_page_of_a_problem_is_in_the_image(project: Project) -> None:
    refusal = httpx2.get(f"{project.url}/api/v1/doctors/{UUID(int=0)}").json()
    page = httpx2.get(urljoin(project.url, refusal["type"]))
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<code>{refusal['code']}</code>" in page.text


async def test_thirty_at_once_get_ten_places(client: Client) -> None:
    (doctor,), (patient, *_) = await client.register()
    await asyncio.gather(*(client.finish(booking(doctor, patient, day=0)) for _ in range(30)))
    assert client.ends() == {("book", 201): 10, ("book", 409): 20}


@pytest.mark.parametrize("killed", ALL)
async def test_nothing_is_lost_when_a_container_is_killed(project: Project, client: Client, killed: str) -> None:
    doctors, patients = await client.register()
    wanted, back = iter(bookings(doctors[0], patients, days=300)), asyncio.Event()
    work = asyncio.gather(*(book_until(back, client, wanted) for _ in range(CLIENTS)))
    await client.after(ended=10)
    await asyncio.to_thread(project.kill, killed)
    ended = client.ended
    await asyncio.to_thread(project.start, killed)
    back.set()
    await work
    assert client.ended > ended, "nobody booked when it was killed"
    assert client.ends() == {("book", 201): client.ended}, client.troubles
    await same_again(client)


async def test_more_of_a_service_share_the_work(project: Project, client: Client, lines: list[str]) -> None:
    doctors, patients = await client.register()
    during = asyncio.gather(*map(client.finish, bookings(doctors[0], patients, days=12)))
    await asyncio.to_thread(project.type, lines[SCALE])
    await during
    await asyncio.gather(*map(client.finish, bookings(doctors[0], patients, days=24, first_day=20)))
    assert client.ends() == {("book", 201): 360}
    for service, (count, kind) in REPLICAS.items():
        done = [await asyncio.to_thread(project.messages, service, kind, index) for index in range(1, count + 1)]
        assert all(done), f"a {service} had nothing to do: {done}"
    await same_again(client)


def test_tools_reach_the_stores(project: Project, lines: list[str]) -> None:
    assert "booking.commands" in project.type(lines[TOOLS])
    project.type(lines[PSQL])
    read = project.compose("run", "--rm", "psql", "psql", "booking", "-At", "-c", "SELECT count(*) > 0 FROM appointments")
    assert read.strip() == "t"
    write = "SET transaction_read_only = off; DELETE FROM appointments"
    with pytest.raises(AssertionError, match="permission denied"):
        project.compose("run", "--rm", "psql", "psql", "booking", "-c", write)


async def test_down_keeps_the_data(project: Project, client: Client, lines: list[str]) -> None:
    (doctor,), (patient, *_) = await client.register()
    first = await client.finish(booking(doctor, patient, day=1))
    await asyncio.to_thread(project.type, lines[DOWN])
    assert await asyncio.to_thread(project.containers) == {}
    await asyncio.to_thread(project.type, lines[UP])
    await same_again(client)
    listed = await client.http.get(f"{API}/appointments", params={"doctor_id": doctor})
    assert [one["id"] for one in listed.json()["items"]] == [first.result["id"]]


async def test_the_override_opens_the_integration_test(project: Project, client: Client, lines: list[str]) -> None:
    assert (await client.http.get("/integration-test")).status_code == 404
    await asyncio.to_thread(project.type, lines[INTEGRATION])
    done = await client.http.get("/integration-test", timeout=PASTE_SECONDS)
    assert (done.status_code, done.json()["status"]) == (200, "ok"), done.text


def test_every_line_of_the_readme_is_typed(lines: list[str]) -> None:
    verbs = ("up", "up", "up", "run", "run", "down", "up")
    assert [line.split()[:2] for line in lines] == [["docker", "compose"]] * len(verbs)
    assert [next(word for word in line.split() if word in verbs) for line in lines] == [*verbs]


async def book_until(back: asyncio.Event, client: Client, wanted: Iterator[Command]) -> None:
    """Booking after booking, each to its end, until what was killed is started again."""
    while not back.is_set():
        await client.finish(next(wanted))


async def same_again(client: Client) -> None:
    """Every key answers what it answered first."""
    again = await asyncio.gather(*map(client.again, client.commands))
    told = Counter(json.dumps([said(command.ended), said(entry)]) for command, entry in zip(client.commands, again, strict=True))
    assert {pair for pair in told if json.loads(pair)[0] != json.loads(pair)[1]} == set()


def said(entry: Entry) -> list[Any]:
    """What an answer says about the command: of a refusal the code, the rest of a problem is about the request."""
    return [entry.status, entry.code or entry.json]


def bookings(doctor: str, patients: list[str], days: int, first_day: int = 0) -> list[Command]:
    """Ten bookings for each of the days, the days in turns."""
    return [booking(doctor, patients[n % len(patients)], first_day + day) for n in range(10) for day in range(days)]


def booking(doctor: str, patient: str, day: int) -> Command:
    """One booking, so many days from today at the clinic, which is in UTC."""
    return Command("/appointments", {"doctor_id": doctor, "patient_id": patient, "date": in_days(day).isoformat()})
