"""Open access is for loopback and never for production; whoever wants more must say so."""

import pytest
from pydantic import ValidationError

from services.gateway.settings import Settings, is_loopback

ENVIRONMENT = {
    "FRONTDESK_POSTGRES__URL": "postgresql://nobody@127.0.0.1:1/none",
    "FRONTDESK_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "FRONTDESK_TICKET_KEY": "a key that is long enough",
    "FRONTDESK_AVAILABILITY__URL": "http://127.0.0.1:1",
    "FRONTDESK_BOOKING__URL": "http://127.0.0.1:2",
    "FRONTDESK_QUEUE__URL": "http://127.0.0.1:3",
}


def test_open_access_starts_on_loopback() -> None:
    settings = Settings.from_environment(ENVIRONMENT)
    assert settings.booking.url == "http://127.0.0.1:2"


@pytest.mark.parametrize(
    "change", [{"FRONTDESK_HTTP__HOST": "0.0.0.0"}, {"ENVIRONMENT": "production"}, {"FRONTDESK_TICKET_KEY": "short"}]
)
def test_it_does_not_start_where_that_is_dangerous(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.from_environment({**ENVIRONMENT, **change})
    assert "a key that is long enough" not in str(refused.value)


def test_a_container_may_say_that_its_port_is_published_on_loopback() -> None:
    change = {"FRONTDESK_HTTP__HOST": "0.0.0.0", "FRONTDESK_ACCESS__OPEN_BEYOND_LOOPBACK": "true"}
    assert Settings.from_environment({**ENVIRONMENT, **change}).http.host == "0.0.0.0"


@pytest.mark.parametrize(("host", "expected"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False)])
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
