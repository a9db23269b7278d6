"""What a displacement is answered: each appointment with its old and its new place. Called by `displace.py`."""

from collections.abc import Sequence

from services.availability.domain.displacement import AppointmentPlace, Placement
from services.availability.service.displacement.run import DisplacementRun
from shared.contracts.displacement import DisplacementStep, DisplacePlan, PlaceView


def plan_of(run: DisplacementRun, placements: Sequence[Placement]) -> DisplacePlan:
    """The answer, in the order of the old places. An appointment without a new place has no command either."""
    return DisplacePlan(steps=[_step(run, one) for one in placements], left=run.left)


def _step(run: DisplacementRun, placement: Placement) -> DisplacementStep:
    displaced, new_place = placement
    appointment_id = displaced.appointment_id
    ids = {"appointment_id": appointment_id, "patient_id": run.patients[appointment_id]}
    places = {"from": _view(displaced.place), "to": new_place and _view(new_place)}
    command_id = run.command_id_of(appointment_id) if new_place else None
    return DisplacementStep.model_validate({**ids, **places, "command_id": command_id})


def _view(place: AppointmentPlace) -> PlaceView:
    return PlaceView(
        doctor_id=place.day.doctor_id,
        date=place.day.date,
        slot=place.number,
        slot_id=place.slot_id,
        location_id=place.location_id,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
    )
