"""The demo clinic: categories, price ranges, three doctors and two patients, made through the public API like any client would.

Repeatable: the idempotency keys make the ids the same on every machine, and a second run changes nothing. Called by
`frontdesk up` and `frontdesk seed`.
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
"""The first two have places by the day, the third has hours."""
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
    """Ids of what is there to play with."""

    doctor_ids: list[str]
    patient_ids: list[str]


def seed(gateway_url: str) -> DemoClinic:
    """Make what the demo clinic has, or find what was made before."""
    with httpx2.Client(base_url=f"{gateway_url}/api/v1", timeout=TIMEOUT_SECONDS) as client:
        doctors = _doctors(client)
        _hours(client, doctors[-1])
        patients = [_post(client, "/patients", f"demo-patient-{n}", patient) for n, patient in enumerate(PATIENTS, 1)]
    return DemoClinic([doctor["id"] for doctor in doctors], [patient["id"] for patient in patients])


def _doctors(client: httpx2.Client) -> list[Body]:
    """The doctors with their categories and price ranges, and the tables of these."""
    categories = {name: _named(client, "/categories", "category", {"name": name}) for name in CATEGORIES}
    prices = {
        name: _named(client, "/price-ranges", "price-range", {"name": name, "currency": CURRENCY, "min": least, "max": most})
        for name, least, most in PRICE_RANGES
    }
    return [
        _made_or_found(
            client, "/doctors", "doctor", "code", {**doctor, "category_id": categories[one], "price_range_id": prices[other]}
        )
        for doctor, (one, other) in zip(DOCTORS, OF_DOCTORS, strict=True)
    ]


def _named(client: httpx2.Client, path: str, kind: str, body: Body) -> str:
    return str(_made_or_found(client, path, kind, "name", body)["id"])


def _hours(client: httpx2.Client, doctor: Body) -> None:
    """Gives a doctor hours, unless somebody has given some before: what was changed stays as it is."""
    places = {place["name"]: place["id"] for place in doctor["locations"]}
    if not all(hour["location"] in places for hour in HOURS):
        return
    entries = [{**hour, "location_id": places[hour["location"]]} for hour in HOURS]
    for entry in entries:
        del entry["location"]
    answer = client.put(f"/doctors/{doctor['id']}/schedule", json={"entries": entries}, headers={"If-Match": NEVER_WRITTEN})
    if answer.status_code != httpx2.codes.PRECONDITION_FAILED:
        _checked(answer)


def _made_or_found(client: httpx2.Client, path: str, kind: str, known_by: str, body: Body) -> Body:
    """An entry; once the key of the first time is forgotten, its name or code is what tells that it is the same."""
    try:
        return _post(client, path, f"demo-{kind}-{body[known_by]}", body)
    except Failure:
        known = client.get(path, params={"limit": LIST}).raise_for_status().json()["items"]
        found = next((item for item in known if item[known_by] == body[known_by]), None)
        if found is None:
            raise
        return dict(found)


def _post(client: httpx2.Client, path: str, key: str, body: Body) -> Body:
    return dict(_checked(client.post(path, json=body, headers={"Idempotency-Key": key})).json())


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if not answer.is_success:
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise Failure(f"the demo clinic could not be made: {asked} answered {answer.status_code}: {answer.text[:500]}")
    return answer
