"""Clinics and their settings, which are the gateway's: reading, changing, and telling the other services through the outbox.

Every version is announced once: a change says so in its own transaction, what was written otherwise is announced at the start.
"""

from collections.abc import Awaitable, Callable, Mapping

from services.gateway.access.caller import ApiCaller
from services.gateway.repository import clinics
from services.gateway.repository.clinics import Clinic
from services.gateway.schemas import SettingsIn
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code, FieldError
from shared.contracts.registry import ClinicChanged
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.audit import SYSTEM, Action, Cause
from shared.infra.forms import check_match, parse
from shared.infra.ids import new_id
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit, Unit, Units

REFRESH_SECONDS = 2.0


class CurrentClinic:
    """The clinic that open access acts for, as this process knows it. Other gateways change it too, so it is read again often."""

    def __init__(self, clinic: Clinic, read: Callable[[], Awaitable[Clinic]]) -> None:
        self.known = clinic
        self._read = read

    def learn(self, clinic: Clinic) -> None:
        """Takes over what was read or written, unless it is older."""
        if clinic.version >= self.known.version:
            self.known = clinic

    async def refresh(self) -> Clinic:
        """Reads it again."""
        self.learn(await self._read())
        return self.known


async def change_settings(unit: RegistryUnit, caller: ApiCaller, data: object) -> Clinic:
    """Changes what `data` names. One statement locks, one writes; nothing is said where nothing has changed."""
    clinic = await clinics.lock_clinic(unit.connection, caller.clinic_id)
    changes = _judged(data, clinic.settings)
    check_match(caller.passed_on.get("If-Match"), clinic.version)
    changed = {name: value for name, value in changes.items() if value != getattr(clinic.settings, name)}
    if not changed:
        return clinic
    clinic = await clinics.change_clinic(unit.connection, clinic.id, changed)
    _announce(unit, caller, clinic)
    unit.record(caller, Action.CLINIC_CHANGED, clinic.id, version=clinic.version, **changed)
    return clinic


def _judged(data: object, settings: ClinicSettings) -> Mapping[str, object]:
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


async def announce_clinics(units: Units) -> int:
    """Announces what changed since the last time; answers how many clinics that were."""
    async with units.batch(()) as unit:
        changed = await clinics.take_unannounced(unit.connection)
        for clinic in changed:
            starter = ApiCaller(clinic.id, SYSTEM, SYSTEM, new_id().hex)
            _announce(unit, starter, clinic)
    return len(changed)


def _announce(unit: Unit, cause: Cause, clinic: Clinic) -> None:
    """Emits the clinic as it is now for the other services."""
    changed = ClinicChanged(**unit.envelope(cause), version=clinic.version, code=clinic.code, settings=clinic.settings)
    unit.emit(REGISTRY_EVENTS, changed)
