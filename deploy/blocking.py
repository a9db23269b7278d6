"""Runs asynchronous work for callers that are not asynchronous.

The work gets a thread and a loop of its own, so it may also be called where a loop is running already: in a pytest
session fixture, say. Called by the embedded stack and by `deploy.stores.databases`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for a coroutine from synchronous code."""
    return in_thread(lambda: asyncio.run(work))


def in_thread(work: Callable[[], Result]) -> Result:
    """Wait for a function that starts a loop itself (Alembic's environment does)."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="frontdesk-blocking") as pool:
        return pool.submit(work).result()
