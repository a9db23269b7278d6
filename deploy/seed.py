"""The demo clinic: two doctors and two patients, made through the public API like any client would.

Repeatable: the idempotency keys make the ids the same on every machine, and a second run changes nothing. Called by
`frontdesk up` and `frontdesk seed`.
"""

from dataclasses import dataclass
from typing import Any

import httpx2

from deploy.failure import Failure

TIMEOUT_SECONDS = 30.0
DOCTORS = (
    {"name": "Dr Ada Osei", "code": "ada-osei", "languages": ["en"]},
    {"name": "Dr Lin Wei", "code": "lin-wei", "languages": ["en", "zh"]},
)
PATIENTS = (
    {"name": "Maya Lind", "phone": "+44 7700 900123", "date_of_birth": "1990-04-12"},
    {"name": "Tom Adeyemi", "phone": "+44 7700 900456", "date_of_birth": "1984-11-02"},
)


@dataclass(frozen=True)
class DemoClinic:
    """Ids of what is there to play with."""

    doctor_ids: list[str]
    patient_ids: list[str]


def seed(gateway_url: str) -> DemoClinic:
    """Make the demo clinic's doctors and patients, or find those made before."""
    with httpx2.Client(base_url=f"{gateway_url}/api/v1", timeout=TIMEOUT_SECONDS) as client:
        return DemoClinic(
            doctor_ids=[_doctor(client, doctor) for doctor in DOCTORS],
            patient_ids=[_post(client, "/patients", f"demo-patient-{n}", patient) for n, patient in enumerate(PATIENTS, 1)],
        )


def _doctor(client: httpx2.Client, doctor: dict[str, Any]) -> str:
    """Id of a doctor; once the key of the first time is forgotten, the code is what tells that it is the same."""
    try:
        return _post(client, "/doctors", f"demo-doctor-{doctor['code']}", doctor)
    except Failure:
        known = client.get("/doctors", params={"limit": 200}).raise_for_status().json()["items"]
        found = next((item["id"] for item in known if item["code"] == doctor["code"]), None)
        if found is None:
            raise
        return str(found)


def _post(client: httpx2.Client, path: str, key: str, body: dict[str, Any]) -> str:
    answer = client.post(path, json=body, headers={"Idempotency-Key": key})
    if not answer.is_success:
        raise Failure(f"the demo clinic could not be made: POST {path} answered {answer.status_code}: {answer.text[:500]}")
    return str(answer.json()["id"])
