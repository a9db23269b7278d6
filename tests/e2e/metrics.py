"""Metrics of running services, as a monitor reads them."""

from collections.abc import Iterable

import httpx2

from deploy.embedded.services import Services
from tests.support.transports import TIMEOUT_SECONDS, TLS


async def counter(services: Services, name: str, instances: Iterable[str]) -> float:
    """A counter summed over its labels and over instances."""
    total = 0.0
    async with httpx2.AsyncClient(verify=TLS, timeout=TIMEOUT_SECONDS) as client:
        for instance in instances:
            text = (await client.get(f"{services.url(instance)}/metrics")).text
            lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
            total += sum(float(line.rpartition(" ")[2]) for line in lines)
    return total
