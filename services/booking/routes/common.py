"""What all routes of this service do alike: a use case in a transaction of the caller's clinic, run to its end."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request, Response

from services.booking.identifiers import Codec
from shared.contracts.patients import PatientView
from shared.infra.caller import Caller
from shared.infra.forms import etag
from shared.infra.postgres import shielded
from shared.infra.runtime import Runtime
from shared.infra.unit import RegistryUnit

T = TypeVar("T")


async def in_unit(request: Request, caller: Caller, use_case: Callable[[RegistryUnit], Awaitable[T]]) -> T:
    """Runs a use case in a transaction of the caller's clinic, to its end."""

    async def work() -> T:
        async with runtime(request).units.registry(caller.clinic_id) as unit:
            return await use_case(unit)

    return await shielded(work())


def mark(response: Response, *, replayed: bool) -> None:
    """Tells a stored answer from a new one."""
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"


def tagged(response: Response, patient: PatientView) -> PatientView:
    """The patient, with its version for `If-Match`."""
    response.headers["ETag"] = etag(patient.version)
    return patient


def runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def codec(request: Request) -> Codec:
    codec: Codec = request.app.state.codec
    return codec
