"""What a booking process does beside its consumer, as its environment says."""

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

    def create_owner(*_: object, **given: Any) -> SimpleNamespace:
        wired.update(given)
        return SimpleNamespace(state=SimpleNamespace())

    monkeypatch.setattr(app, "create_owner", create_owner)
    app.create_app(Settings.from_environment({**NEEDED, **environment}))
    return {job.name for job in wired["jobs"](SimpleNamespace(database=None, units=None))}


def test_a_process_sweeps_unless_it_is_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs(monkeypatch) - jobs(monkeypatch, FRONTDESK_SWEEP_HOLDS="false") == {"holds"}
