"""What all routes of this service do alike: a use case in a transaction of the caller's clinic, run to its end."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request

from services.booking.identifiers import Codec
from shared.infra.caller import Caller
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


def runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def codec(request: Request) -> Codec:
    codec: Codec = request.app.state.codec
    return codec
