"""Examples of patients."""

from datetime import date

from services.gateway.openapi import example_ids as ids
from shared.contracts.patients import PatientPage, PatientView
from shared.contracts.shapes import Active

PATIENT = PatientView(
    id=ids.PATIENT, name="Maya Lind", phone="+447700900123", email="maya@example.org", date_of_birth=date(1990, 4, 12),
    nhs_number="943 476 5919", postcode="EC1A 1BB", address="1 Example Street, London", status=Active.ACTIVE, version=1,
    created_at=ids.AT, updated_at=ids.AT,
)  # fmt: skip
CHANGED = PATIENT.model_copy(update={"email": None, "postcode": "W1A 0AX", "version": 2})
SURVIVOR = PATIENT.model_copy(update={"id": ids.SURVIVOR, "name": "Maya Lind-Okafor"})
PATIENTS = PatientPage(items=[PATIENT])

BODY = {
    "name": "Maya Lind", "phone": "+44 7700 900123", "date_of_birth": "1990-04-12", "email": "maya@example.org",
    "nhs_number": "943 476 5919", "postcode": "ec1a1bb", "address": "1 Example Street, London",
}  # fmt: skip
PATCH = {"email": None, "postcode": "W1A 0AX"}
MERGE = {"into": str(ids.SURVIVOR)}
