"""The jobs of a booking process, by its environment."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.booking import app
from services.booking.settings import Settings

pytestmark = pytest.mark.unit

NEEDED = {
    "FRONTDESK_POSTGRES__URL": "postgresql://booking_app:secret@127.0.0.1:1/booking",
    "FRONTDESK_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "FRONTDESK_IDENTIFIER_KEY": "a key of the tests",
}


def jobs(monkeypatch: pytest.MonkeyPatch, **environment: str) -> set[str]:
    """The jobs of a process with this environment."""
    wired: dict[str, Any] = {}

    monkeypatch.setattr(app, "create_owner", lambda *_, **given: wired.update(given))
    app.create_app(Settings.from_environment({**NEEDED, **environment}))
    return {job.name for job in wired["jobs"](SimpleNamespace(units=None))}


def test_a_process_sweeps_unless_it_is_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs(monkeypatch) - jobs(monkeypatch, FRONTDESK_SWEEP_HOLDS="false") == {"holds"}
