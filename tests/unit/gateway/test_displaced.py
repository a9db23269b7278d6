"""Which appointments a change displaces: all that availability names, once booking knows them or their places are back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from uuid import UUID

import httpx2
import orjson
import pytest

from services.gateway.calendar import displaced as module
from services.gateway.calendar.displaced import PATIENCE_SECONDS, PAUSE_SECONDS, displaced_appointments, displaced_so_far
from services.gateway.gateway import Gateway
from services.gateway.owners.client import AVAILABILITY, BOOKING, Owners
from shared.contracts.appointments import AppointmentPage, AppointmentView, Status
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError
from tests.support.clock import FakeClock
from tests.unit.gateway.parts import CALLER, DOCTOR, NOW, PATIENT, gateway_with

FIRST, SECOND = UUID(int=11), UUID(int=12)


def appointment(number: int, status: Status = Status.BOOKED, day: date = NOW.date(), **more: object) -> AppointmentView:
    ids = {"id": UUID(int=number), "doctor_id": DOCTOR, "patient_id": PATIENT, "slot_id": UUID(int=1)}
    fields = {"date": day, "slot": 1, "status": status, "version": 1, "created_at": NOW, "updated_at": NOW}
    return AppointmentView.model_validate({**ids, **fields, **more})


@dataclass
class FakeOwners:
    """Booking and availability: what each says, and how often booking was asked. `then` happens after its first answer."""

    known: list[AppointmentView] = field(default_factory=list)
    taken: list[UUID] = field(default_factory=list)
    then: Callable[[], object] = lambda: None
    asked: list[list[UUID]] = field(default_factory=list)
    fails: bool = False
    clock: FakeClock = field(default_factory=FakeClock)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        ids = [UUID(text) for text in orjson.loads(request.content)["ids"]]
        if self.fails:
            return httpx2.Response(500)
        if request.url.path == "/internal/appointments/taken":
            return httpx2.Response(200, content=orjson.dumps([one for one in ids if one in self.taken]))
        assert request.url.path == "/internal/appointments/look"
        self.asked.append(ids)
        page = AppointmentPage(items=[one for one in self.known if one.id in ids])
        if len(self.asked) == 1:
            self.then()
        return httpx2.Response(200, content=page.model_dump_json())

    @property
    def gateway(self) -> Gateway:
        transport, clock = httpx2.MockTransport(self), self.clock
        clients = {name: httpx2.AsyncClient(transport=transport, base_url="http://x") for name in (BOOKING, AVAILABILITY)}
        return gateway_with(owners=Owners(clients, clock), clock=clock, database_clock=SimpleNamespace(now=lambda: NOW))

    async def displaced(self, *ids: UUID) -> list[UUID]:
        return [one.id for one in await displaced_appointments(self.gateway, CALLER, ids)]

    async def so_far(self, patience: float, *ids: UUID) -> tuple[list[UUID], set[UUID]]:
        live, unknown = await displaced_so_far(self.gateway, CALLER, ids, patience)
        return [one.id for one in live], unknown


async def test_nothing_is_asked_where_nothing_is_named() -> None:
    owners = FakeOwners()
    assert await owners.displaced() == [] and owners.asked == []


async def test_they_are_told_in_booking_s_order() -> None:
    owners = FakeOwners([appointment(11, day=NOW.date() + timedelta(days=1)), appointment(12)])
    assert await owners.displaced(FIRST, SECOND) == [SECOND, FIRST]
    assert len(owners.asked) == 1


async def test_a_booking_on_its_way_is_waited_for() -> None:
    owners = FakeOwners([appointment(11)], taken=[SECOND])
    owners.then = lambda: owners.known.append(appointment(12))
    assert await owners.displaced(FIRST, SECOND) == [FIRST, SECOND]
    assert owners.asked == [[FIRST, SECOND], [SECOND]]


async def test_one_whose_place_is_back_is_not_waited_for() -> None:
    owners = FakeOwners([appointment(11)])
    assert await owners.displaced(FIRST, SECOND) == [FIRST]
    assert len(owners.asked) == 1


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.EXPIRED, Status.FULFILLED, Status.NO_SHOW])
async def test_what_is_over_is_not_displaced(status: Status) -> None:
    assert await FakeOwners([appointment(11, status)]).displaced(FIRST) == []


async def test_a_hold_is_displaced_until_its_time_is_over() -> None:
    held = appointment(11, Status.PENDING, expires_at=NOW + timedelta(seconds=1))
    over = appointment(12, Status.PENDING, expires_at=NOW)
    assert await FakeOwners([held, over]).displaced(FIRST, SECOND) == [FIRST]


async def test_a_booking_that_stays_on_its_way_is_a_refusal_to_answer() -> None:
    owners = FakeOwners(taken=[FIRST])
    with pytest.raises(ProblemError) as refused:
        await owners.displaced(FIRST)
    assert refused.value.code == Code.UNAVAILABLE and int(refused.value.headers["Retry-After"]) > 0
    assert PATIENCE_SECONDS <= owners.clock.now <= PATIENCE_SECONDS + 2 * PAUSE_SECONDS


async def test_an_owner_that_fails_is_a_refusal_to_answer() -> None:
    with pytest.raises(ProblemError) as refused:
        await FakeOwners(fails=True).displaced(FIRST)
    assert refused.value.code == Code.UNAVAILABLE


async def test_what_is_done_is_told_with_what_is_known() -> None:
    """After its patience, which a reading has none of; an owner that fails is not waited for."""
    for patience in (0.0, 1.0):
        owners = FakeOwners([appointment(11)], taken=[SECOND])
        assert await owners.so_far(patience, FIRST, SECOND) == ([FIRST], {SECOND})
        assert patience <= owners.clock.now <= patience + PAUSE_SECONDS
    away = FakeOwners([appointment(11)], fails=True)
    assert (await away.so_far(5.0, FIRST), away.clock.now) == (([], {FIRST}), 0.0)


async def test_many_are_asked_for_in_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IDS", 2)
    owners = FakeOwners([appointment(number) for number in range(1, 6)])
    assert len(await owners.displaced(*(UUID(int=number) for number in range(1, 6)))) == 5
    assert [len(ids) for ids in owners.asked] == [2, 2, 1]
