"""What probes ask of a process: does it live, may it be sent work, what has it counted. Every service serves these three.

A probe never waits longer than its deadline and never tells more of an error than its class.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from shared.infra import metrics

Check = Callable[[], Awaitable[None]]
"""Returns if the store answers, raises if it does not."""

CHECK_SECONDS = 1.0


class Readiness:
    """Whether the process may be sent work: all its stores answer, and nobody asked it to stop."""

    def __init__(self, checks: Mapping[str, Check], timeout_seconds: float = CHECK_SECONDS) -> None:
        self.checks = dict(checks)
        self.timeout_seconds = timeout_seconds
        self.is_draining = False
        """Set when the process was asked to stop: it still answers, and should be sent nothing more."""

    async def report(self) -> dict[str, str]:
        """`ok` or `failed: <class of the error>` for each check, all asked at once."""
        results = await asyncio.gather(*(self._result(check) for check in self.checks.values()))
        return dict(zip(self.checks, results, strict=True))

    async def _result(self, check: Check) -> str:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await check()
        except Exception as error:  # noqa: BLE001 - whatever a store's client raises, the answer is that it is not ready
            return f"failed: {type(error).__name__}"
        return "ok"


def health_router(readiness: Readiness) -> APIRouter:
    """The routes of the probes; not part of the API's document, for operations only."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def get_liveness() -> Response:
        return _json(200, {"status": "ok"})

    @router.get("/health/ready")
    async def get_readiness() -> Response:
        checks = await readiness.report()
        status = "ready" if all(result == "ok" for result in checks.values()) else "unavailable"
        status = "draining" if readiness.is_draining else status
        return _json(200 if status == "ready" else 503, {"status": status, "checks": checks})

    @router.get("/metrics")
    async def get_metrics() -> Response:
        body, content_type = metrics.render()
        return Response(body, headers={"Content-Type": content_type})

    return router


def _json(status: int, content: Mapping[str, object]) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
