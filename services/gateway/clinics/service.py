"""Changing a clinic's settings, which are the gateway's own. Called by the clinic's route."""

from collections.abc import Mapping

from services.gateway.access.caller import ApiCaller
from services.gateway.clinics.announce import announce
from services.gateway.repository import clinics
from services.gateway.repository.clinics import Clinic
from services.gateway.schemas import SettingsIn
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code, FieldError
from shared.infra.audit import Action
from shared.infra.forms import check_match, parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def change_settings(unit: RegistryUnit, caller: ApiCaller, data: object) -> Clinic:
    """Changes the settings that `data` names, and answers the clinic: as it was, if none of them is another now.

    One statement locks, one writes. Raises the problems `validation_failed`, `invalid_json` and `stale`.
    """
    clinic = await clinics.lock_clinic(unit.connection, caller.clinic_id)
    sent = _validated(data, clinic.settings)
    check_match(caller.passed_on.get("If-Match"), clinic.version)
    changed = {name: value for name, value in sent.items() if value != getattr(clinic.settings, name)}
    if not changed:
        return clinic
    clinic = await clinics.change_clinic(unit.connection, clinic.id, changed)
    announce(unit, caller, clinic)
    unit.record(caller, Action.CLINIC_CHANGED, clinic.id, version=clinic.version, **changed)
    return clinic


def _validated(data: object, settings: ClinicSettings) -> Mapping[str, object]:
    """The settings that are named, or a refusal that names every bad one."""
    errors = _capacity_errors(data, settings)
    try:
        changes = parse(SettingsIn, data)
    except ProblemError as problem:
        if problem.code != Code.VALIDATION_FAILED:
            raise
        raise ProblemError(problem.code, errors=[*problem.errors, *errors]) from None
    if errors:
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    return changes.sent()


def _capacity_errors(data: object, settings: ClinicSettings) -> list[FieldError]:
    """A day may not have more places by default than it may have at all, whichever of the two is changed."""
    sent = data if isinstance(data, dict) else {}
    default = sent.get("default_daily_capacity", settings.default_daily_capacity)
    most = sent.get("max_daily_capacity", settings.max_daily_capacity)
    if not (isinstance(default, int) and isinstance(most, int) and default > most):
        return []
    reasons = {
        "default_daily_capacity": f"must be at most max_daily_capacity, which is {most}",
        "max_daily_capacity": f"must be at least default_daily_capacity, which is {default}",
    }
    return [FieldError(field=name, reason=reason) for name, reason in reasons.items() if name in sent]
