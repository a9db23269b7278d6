"""The demo clinic: categories, price ranges, three doctors and two patients, made through the public API like any client would.

Repeatable: the idempotency keys make the ids the same on every machine, and a second run changes nothing, however much later.
Called by `frontdesk up`, `frontdesk seed` and compose.
"""

from dataclasses import dataclass
from typing import Any

import httpx2

from deploy.failure import Failure

TIMEOUT_SECONDS = 30.0
LIST = 200
CATEGORIES = ("General practice", "Dermatology", "Paediatrics", "Gynaecology", "Orthopaedics", "Psychiatry")
PRICE_RANGES = (("Public", 0, 0), ("Standard", 4500, 9000), ("Specialist", 9000, 25000))
"""In pence."""
CURRENCY = "GBP"
Body = dict[str, Any]


def _place(name: str, english: str, chinese: str) -> Body:
    return {"name": name, "address": {"en": english, "zh-Hant": chinese}, "time_zone": "Europe/London"}


PLACES = (_place("Harbour", "12 Harbour Road, London", "倫敦海港路12號"), _place("Mill", "3 Mill Lane, London", "倫敦磨坊巷3號"))
DOCTORS: tuple[Body, ...] = (
    {"name": "Dr Ada Osei", "code": "ada-osei", "languages": ["en"]},
    {"name": "Dr Lin Wei", "code": "lin-wei", "languages": ["en", "zh"]},
    {"name": "Dr Mei Chan", "code": "mei-chan", "languages": ["en", "zh-Hant"], "locations": PLACES},
)
WITH_HOURS = "mei-chan"
"""The others have places by the day."""
OF_DOCTORS = (("General practice", "Standard"), ("Dermatology", "Specialist"), ("Paediatrics", "Public"))
HOURS: tuple[Body, ...] = (
    *({"weekday": day, "start": "09:00", "end": "12:00", "location": "Harbour"} for day in ("mon", "wed", "fri")),
    {"weekday": "tue", "start": "14:00", "end": "18:00", "location": "Mill", "slot_minutes": 30},
)
NEVER_WRITTEN = '"v0"'
PATIENTS: tuple[Body, ...] = (
    {"name": "Maya Lind", "phone": "+44 7700 900123", "date_of_birth": "1990-04-12"},
    {"name": "Tom Adeyemi", "phone": "+44 7700 900456", "date_of_birth": "1984-11-02"},
)


@dataclass(frozen=True)
class DemoClinic:
    """Ids of its doctors and patients, and the names of what is missing, because a client has deleted or renamed it."""

    doctor_ids: list[str]
    patient_ids: list[str]
    missing: list[str]


def seed(gateway_url: str) -> DemoClinic:
    """Make what the demo clinic has, or find what was made before. Raises `Failure` if the API does not answer or fails."""
    try:
        with httpx2.Client(base_url=f"{gateway_url}/api/v1", timeout=TIMEOUT_SECONDS) as client:
            return _Seeder(client).run()
    except httpx2.TransportError as error:
        raise Failure(f"the demo clinic could not be made: {gateway_url} does not answer ({type(error).__name__})") from error


class _Seeder:
    """Makes the entries through one client. What is refused, and is not there either, is noted as missing."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self._missing: list[str] = []

    def run(self) -> DemoClinic:
        doctors = self._doctors()
        for doctor in doctors:
            if doctor["code"] == WITH_HOURS:
                self._give_hours(doctor)
        patients = [self._patient(number, patient) for number, patient in enumerate(PATIENTS, 1)]
        return DemoClinic([doctor["id"] for doctor in doctors], [one["id"] for one in patients if one], self._missing)

    def _doctors(self) -> list[Body]:
        """The doctors with their categories and price ranges, and the tables of these."""
        categories = {name: self._entry("/categories", "category", "name", {"name": name}) for name in CATEGORIES}
        prices = {
            name: self._entry(
                "/price-ranges", "price-range", "name", {"name": name, "currency": CURRENCY, "min": least, "max": most}
            )
            for name, least, most in PRICE_RANGES
        }
        made = (
            self._entry(
                "/doctors",
                "doctor",
                "code",
                {**doctor, "category_id": _id(categories[one]), "price_range_id": _id(prices[other])},
                q=doctor["code"],
            )
            for doctor, (one, other) in zip(DOCTORS, OF_DOCTORS, strict=True)
        )
        return [doctor for doctor in made if doctor]

    def _give_hours(self, doctor: Body) -> None:
        """Give a doctor hours, unless it was given some before: what was changed stays as it is."""
        places = {place["name"]: place["id"] for place in doctor["locations"]}
        if not all(hour["location"] in places for hour in HOURS):
            return
        entries = [{**hour, "location_id": places[hour["location"]]} for hour in HOURS]
        for entry in entries:
            del entry["location"]
        answer = self._client.put(
            f"/doctors/{doctor['id']}/schedule", json={"entries": entries}, headers={"If-Match": NEVER_WRITTEN}
        )
        if answer.status_code != httpx2.codes.PRECONDITION_FAILED:
            _checked(answer)

    def _patient(self, number: int, patient: Body) -> Body | None:
        """A patient. Of those who share the phone now, the one of that name, else the first: names may have been corrected."""
        made = self._made("/patients", f"demo-patient-{number}", patient)
        if made is None:
            family = self._listed("/patients", phone=patient["phone"])
            made = next((one for one in family if one["name"] == patient["name"]), family[0] if family else None)
        return self._noted(made, f"patient {patient['name']}")

    def _entry(self, path: str, kind: str, known_by: str, body: Body, **filters: str) -> Body | None:
        """An entry of the directory. Once the idempotency key is forgotten, it is found again by its name or code."""
        made = self._made(path, f"demo-{kind}-{body[known_by]}", body)
        if made is None:
            wanted = body[known_by].casefold()
            made = next((item for item in self._listed(path, **filters) if item[known_by].casefold() == wanted), None)
        return self._noted(made, f"{kind} {body['name']}")

    def _made(self, path: str, key: str, body: Body) -> Body | None:
        """What an idempotency key made, now or at its first use; None if the request is refused or it was deleted since.

        A refusal is no failure: keys are forgotten after 33 days, and what they made is still there.
        """
        answer = self._client.post(path, json=body, headers={"Idempotency-Key": key})
        if answer.is_client_error:
            return None
        made = dict(_checked(answer).json())
        return None if made.get("status") == "deleted" else made

    def _listed(self, path: str, **filters: str) -> list[Body]:
        """All entries of a list that the filters find, page by page."""
        found: list[Body] = []
        query: dict[str, str | int] = {**filters, "limit": LIST}
        while True:
            page = _checked(self._client.get(path, params=query)).json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    def _noted(self, made: Body | None, what: str) -> Body | None:
        """An entry, which is noted as missing if it is none."""
        if made is None:
            self._missing.append(what)
        return made


def _id(entry: Body | None) -> str | None:
    return None if entry is None else str(entry["id"])


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if not answer.is_success:
        request = f"{answer.request.method} {answer.request.url.path}"
        raise Failure(f"the demo clinic could not be made: {request} answered {answer.status_code}: {answer.text[:500]}")
    return answer
