"""One full round of the API, by the API: made, read, booked, changed, deleted. Called by `GET /integration-test`.

Everything it makes has a name of its own, so rounds run beside each other and again; what a failed round leaves, it deletes.
"""

import datetime as dt
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2
from pydantic import Field

from shared.contracts.calendar import Weekday
from shared.contracts.envelope import Wire
from shared.infra.clockwork import Clock

ZONE = "Europe/London"
DAYS_AHEAD = 7
HOUR = {"start": "09:00", "end": "10:00"}
QUARTERS = 4
_PREFER = {"Prefer": "wait=30"}


class RoundStep(Wire):
    """One request of the round and the status that it was answered with."""

    name: str
    status: int
    milliseconds: float


class RoundView(Wire):
    """How the round went; `failed` names the step that was not as it should be, and why."""

    status: str
    failed: str | None = None
    steps: list[RoundStep] = Field(default=[])


class Unexpected(Exception):
    """A step was not answered as it should be."""


class Round:
    """The steps of one round, in order, on a client of the API."""

    def __init__(self, http: httpx2.AsyncClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._mark = uuid4().hex
        self._day = dt.datetime.now(ZoneInfo(ZONE)).date() + dt.timedelta(days=DAYS_AHEAD)
        self._steps: list[RoundStep] = []
        self._name = ""
        self._made: dict[str, str] = {}
        """By what it is: the path of what is to be deleted, in the order in which it was made."""

    async def run(self) -> RoundView:
        """All steps, or those up to the one that failed."""
        failed = None
        try:
            await self._set_up()
            await self._book()
            await self._hold()
            await self._close()
            await self._change()
            await self._delete()
        except (Unexpected, httpx2.HTTPError, LookupError, ValueError) as error:
            # The last two: an answer of another shape than the document's.
            failed = f"{self._name}: {error if isinstance(error, Unexpected) else repr(error)}"
        finally:
            for path in reversed(self._made.values()):
                with suppress(httpx2.HTTPError):
                    await self._http.delete(path)
        return RoundView(status="failed" if failed else "ok", failed=failed, steps=self._steps)

    async def _set_up(self) -> None:
        clinic = await self._step("read the clinic", "GET", "/clinic", 200)
        same = {"region": clinic.json()["settings"]["region"]}
        await self._step("change the clinic to what it is", "PATCH", "/clinic", 200, same, **_matching(clinic))
        category = await self._make("category", "/categories", {"name": f"Category {self._mark}"})
        prices = {"name": f"Prices {self._mark}", "currency": "GBP", "min": 4500, "max": 9000}
        price_range = await self._make("price range", "/price-ranges", prices)
        address = {"en": "12 Harbour Road, London", "zh-Hant": "倫敦海港路12號"}
        doctor = {
            "name": f"Dr Round {self._mark}", "category_id": category, "price_range_id": price_range, "languages": ["en"],
            "locations": [{"name": "Harbour", "address": address, "time_zone": ZONE}],
        }  # fmt: skip
        await self._make("doctor", "/doctors", doctor, "?cancel_appointments=true")
        person = {"name": f"Round {self._mark}", "phone": f"+4477{int(self._mark, 16) % 10**8:08d}"}
        await self._make("patient", "/patients?on_duplicate=create", person, "?cancel_appointments=true")

    async def _book(self) -> None:
        doctor = self._id("doctor")
        read = await self._step("read the doctor", "GET", f"/doctors/{doctor}", 200, None, **{"Accept-Language": "zh-Hant"})
        [location] = read.json()["locations"]
        _expect(location["address"].startswith("倫敦"), "the address is not in the reader's language")
        entry = {**HOUR, "weekday": list(Weekday)[self._day.weekday()], "location_id": location["id"]}
        await self._step("write the schedule", "PUT", f"/doctors/{doctor}/schedule", 200, {"entries": [entry]})
        await self._step("read the schedule", "GET", f"/doctors/{doctor}/schedule", 200)
        first = (await self._open_slots("find open slots", QUARTERS))[0]
        wanted = {"doctor_id": doctor, "patient_id": self._id("patient"), "date": str(self._day)}
        booked = (await self._step("book", "POST", "/appointments", 201, wanted, **_PREFER)).json()
        _expect(booked["slot_id"] == first["id"], "the earliest open slot was not taken")
        self._appointment = f"/appointments/{booked['id']}"
        await self._step("read the appointment", "GET", self._appointment, 200)

    async def _hold(self) -> None:
        last = (await self._open_slots("find what is left", QUARTERS - 1))[-1]
        wanted = {"patient_id": self._id("patient"), "slot_id": last["id"], "confirm": False}
        held = (await self._step("hold", "POST", "/appointments", 201, wanted, **_PREFER)).json()
        _expect(held["status"] == "pending" and held["starts_at"] == last["starts_at"], "the slot is not held")
        path = f"/appointments/{held['id']}"
        await self._step("confirm", "POST", f"{path}/confirm", 200, None, **_PREFER)
        between = (await self._open_slots("find what is left of that", QUARTERS - 2))[0]
        moved = (await self._step("move", "POST", f"{path}/reschedule", 200, {"slot_id": between["id"]}, **_PREFER)).json()
        _expect(moved["slot_id"] == between["id"], "the appointment is not in its new place")
        await self._step(
            "cancel what was moved", "POST", f"{path}/cancel", 200, {"reason": "other", "note": "A round"}, **_PREFER
        )
        history = (await self._step("read its history", "GET", f"{path}/history", 200)).json()["items"]
        events = [change["event"] for change in history]
        _expect(events == ["held", "confirmed", "moved", "cancelled"], f"its history is {events}")

    async def _close(self) -> None:
        closed = {"kind": "closed", "from": str(self._day), "to": str(self._day), "reason": "other"}
        path = f"/doctors/{self._id('doctor')}/exceptions"
        for name, query, status in (("try to close the day", "?dry_run=true", 200), ("close the day", "", 201)):
            answer = (await self._step(name, "POST", path + query, status, closed)).json()
            _expect(len(answer["displaced"]) == 1, "the appointment is not displaced")
        await self._open_slots("find nothing on the closed day", 0)
        await self._step("open the day again", "DELETE", f"{path}/{answer['id']}", 204)
        await self._open_slots("find all but the taken slot", QUARTERS - 1)
        await self._step("cancel", "POST", f"{self._appointment}/cancel", 200, {"reason": "clinic"}, **_PREFER)
        await self._open_slots("find the freed slot", QUARTERS)

    async def _change(self) -> None:
        patient, doctor = self._made_path("patient"), self._made_path("doctor")
        before = await self._step("read the patient", "GET", patient, 200)
        await self._step("change the patient", "PATCH", patient, 200, {"postcode": "EC1A 1BB"}, **_matching(before))
        await self._step("change the patient, stale", "PATCH", patient, 412, {"postcode": None}, **_matching(before))
        before = await self._step("read the doctor again", "GET", doctor, 200)
        await self._step("change the doctor", "PATCH", doctor, 200, {"languages": ["en", "zh-Hant"]}, **_matching(before))
        await self._step("delete a category in use", "DELETE", self._made_path("category"), 409)

    async def _delete(self) -> None:
        for what in reversed(list(self._made)):
            await self._step(f"delete the {what}", "DELETE", self._made[what], 204, None, **_PREFER)
            del self._made[what]

    async def _make(self, what: str, path: str, body: dict[str, Any], deletion: str = "") -> str:
        answer = await self._step(f"make the {what}", "POST", path, 201, body, **{"Idempotency-Key": f"round-{self._mark}"})
        self._made[what] = f"{path.partition('?')[0]}/{UUID(answer.json()['id'])}{deletion}"
        return self._id(what)

    async def _open_slots(self, name: str, count: int) -> list[dict[str, Any]]:
        path = f"/slots?doctor_id={self._id('doctor')}&from={self._day}&to={self._day}"
        found: list[dict[str, Any]] = (await self._step(name, "GET", path, 200)).json()["items"]
        _expect(len(found) == count, f"{len(found)} slots are open, not {count}")
        return found

    async def _step(self, name: str, method: str, path: str, status: int, body: object = None, **headers: str) -> httpx2.Response:
        self._name, started = name, self._clock.monotonic()
        answer = await self._http.request(method, path, json=body, headers=headers)
        spent = round((self._clock.monotonic() - started) * 1000, 1)
        self._steps.append(RoundStep(name=name, status=answer.status_code, milliseconds=spent))
        code = answer.json().get("code") if answer.is_error else ""
        _expect(answer.status_code == status, f"{answer.status_code} {code} and not {status}")
        return answer

    def _made_path(self, what: str) -> str:
        return self._made[what].partition("?")[0]

    def _id(self, what: str) -> str:
        return self._made_path(what).rpartition("/")[2]


def _matching(read: httpx2.Response) -> dict[str, str]:
    return {"If-Match": read.headers["ETag"]}


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Unexpected(otherwise)
