"""Watches the components of a running stack and starts again those that died, a little later each time.

Five deaths of one component within a minute are no accident: the supervisor gives up and names it. Called by
`embedded.stack` in the foreground of `frontdesk up`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from deploy.embedded.failure import StackError, StartFailed
from deploy.embedded.rotation import rotate
from deploy.embedded.servers import Server

TICK_SECONDS = 0.5
FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 30.0
DEATHS_TO_GIVE_UP = 5
DEATHS_WINDOW_SECONDS = 60.0

log = structlog.get_logger()


class Watched:
    """One component: when it died, and when it may be started again."""

    def __init__(self, component: Server, clock: Callable[[], float] = time.monotonic) -> None:
        self.component = component
        self._clock = clock
        self._deaths: deque[float] = deque(maxlen=DEATHS_TO_GIVE_UP)
        self._restart: threading.Thread | None = None
        self._due_at = 0.0

    @property
    def hopeless(self) -> bool:
        """Whether it died five times within the last minute."""
        return len(self._deaths) == DEATHS_TO_GIVE_UP and self._clock() - self._deaths[0] <= DEATHS_WINDOW_SECONDS

    @property
    def restarting(self) -> bool:
        return self._restart is not None and self._restart.is_alive()

    def died(self) -> float:
        """Note a death; seconds until the next start."""
        now = self._clock()
        recent = sum(1 for at in self._deaths if now - at <= DEATHS_WINDOW_SECONDS)
        self._deaths.append(now)
        seconds = min(FIRST_BACKOFF_SECONDS * (1 << recent), MAX_BACKOFF_SECONDS)
        self._due_at = now + seconds
        return seconds

    def check(self) -> None:
        """Note a death, or start again what is due: in a thread of its own, because a start takes seconds."""
        if self.restarting or self.component.process.running:
            return
        if self._due_at == 0.0:
            seconds = self.died()
            log.warning(
                "component_died", component=self.component.name, exit_code=self.component.process.exit_code, backoff_s=seconds
            )
        elif self._clock() >= self._due_at:
            self._due_at = 0.0
            self._restart = threading.Thread(target=self._start, name=f"restart-{self.component.name}", daemon=True)
            self._restart.start()

    def join(self) -> None:
        """Wait for a start under way."""
        if self._restart is not None:
            self._restart.join()

    def _start(self) -> None:
        began = self._clock()
        try:
            self.component.start()
        except StackError as error:
            # A process that runs but never answered counts as a dead one at the next check.
            self.component.process.kill()
            reason = error.reason if isinstance(error, StartFailed) else str(error)
            log.warning("component_restart_failed", component=self.component.name, reason=reason)
        else:
            log.info("component_restarted", component=self.component.name, seconds=round(self._clock() - began, 1))


def supervise(components: Iterable[Server], logs: Path) -> None:
    """Watch until a component is hopeless (raises) or the caller is interrupted (`KeyboardInterrupt` goes through)."""
    watched = [Watched(component) for component in components]
    try:
        while True:
            for one in watched:
                one.check()
                if one.hopeless:
                    component = one.component
                    raise StartFailed(component.name, component.process.log, f"it died {DEATHS_TO_GIVE_UP} times within a minute")
            rotate(logs)
            time.sleep(TICK_SECONDS)
    finally:
        _settle(watched)


def _settle(watched: list[Watched]) -> None:
    """End starts under way, so that nothing is started any more while the stack is being stopped."""
    for one in watched:
        while one.restarting:
            one.component.process.kill()
            time.sleep(TICK_SECONDS / 5)
        one.join()
