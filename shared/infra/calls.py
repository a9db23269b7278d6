"""What the internal routes of all owners do alike: a use case in a transaction of the caller's clinic, run to its end.

Used by the `routes` of services that own registry data. A rival that was faster costs the caller a moment, not a refusal.
"""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from fastapi import Request, Response
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
    wait_random_exponential,
)

from shared.contracts import internal
from shared.contracts.problems import Code
from shared.infra.caller import Caller
from shared.infra.errors import UnknownClinic, is_rivalry
from shared.infra.forms import etag
from shared.infra.postgres import shielded
from shared.infra.problems import ProblemError
from shared.infra.runtime import Runtime
from shared.infra.unit import RegistryUnit


class Versioned(Protocol):
    """What has a version for `If-Match`."""

    @property
    def version(self) -> int: ...


T = TypeVar("T")
E = TypeVar("E", bound=Versioned)
P = ParamSpec("P")

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 0.2
SETTINGS_SECONDS = 2.0
"""So long a call waits for the settings of its clinic: at the start of a system they are a moment behind the first calls."""
SETTINGS_PAUSE_SECONDS = 0.1
NOT_HEARD = "The settings of this clinic have not arrived at the service that is asked"


async def in_unit(
    request: Request,
    caller: Caller,
    use_case: Callable[Concatenate[RegistryUnit, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Runs a use case in a transaction of the caller's clinic, to its end; again from the start where a rival was in its way.

    Waits a moment for the settings of a clinic that has not been heard of, then raises `ProblemError`: `unavailable`.
    What is not done within the caller's budget is undone, and `TimeoutError` raised: the caller no longer waits.

    The use case gets the transaction's unit, then the arguments.
    """

    async def once() -> T:
        async with runtime(request).units.registry(caller.clinic_id, caller.budget) as unit:
            return await use_case(unit, *args, **kwargs)

    rivals = AsyncRetrying(
        retry=retry_if_exception(is_rivalry),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(0.02, LONGEST_PAUSE_SECONDS),
        reraise=True,
    )
    settings = AsyncRetrying(
        retry=retry_if_exception_type(UnknownClinic),
        stop=stop_after_delay(SETTINGS_SECONDS),
        wait=wait_fixed(SETTINGS_PAUSE_SECONDS),
        reraise=True,
    )
    try:
        return await shielded(settings(rivals, once))
    except UnknownClinic:
        raise ProblemError(Code.UNAVAILABLE, NOT_HEARD, headers={"Retry-After": "2"}) from None


def mark(response: Response, *, replayed: bool) -> None:
    """Tells a stored answer from a new one."""
    if replayed:
        response.headers[internal.REPLAYED] = "true"


def tagged(response: Response, entity: E) -> E:
    """The entity, with its version as the answer's `ETag`."""
    response.headers["ETag"] = etag(entity.version)
    return entity


def runtime(request: Request) -> Runtime:
    """The runtime of the process that answers."""
    runtime: Runtime = request.app.state.runtime
    return runtime
