"""Examples of the clinic, and of how the system is."""

from services.gateway.openapi import example_ids as ids
from services.gateway.schemas import HealthView
from shared.contracts.clinics import ClinicAnswer, ClinicSettings, ClinicView

CLINIC = ClinicView(id=ids.CLINIC, code="default", settings=ClinicSettings(time_zone="Europe/London"), version=1)
CHANGED = ClinicAnswer(
    id=ids.CLINIC, code="default", version=2, wall_time_changed=[],
    settings=ClinicSettings(time_zone="Europe/London", booking_horizon_days=400, hold_ttl_seconds=1800),
)  # fmt: skip
HEALTH = HealthView(
    status="ok",
    services=dict.fromkeys(("gateway", "availability", "booking", "queue"), "ok"),
    stores=dict.fromkeys(("postgres", "kafka", "redis"), "ok"),
)
SICK = HEALTH.model_copy(update={"status": "unavailable", "stores": {**HEALTH.stores, "redis": "failed: TimeoutError"}})

PATCH = {"booking_horizon_days": 400, "hold_ttl_seconds": 1800}
