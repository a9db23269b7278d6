"""The headers of internal calls as they stand on the wire: services of two releases run side by side."""

from uuid import UUID

from shared.contracts.internal import headers

CLINIC = UUID("00000000-0000-7000-8000-00000000c11c")
COMMAND = UUID("00000000-0000-7000-8000-00000000c0de")


def test_an_internal_call_says_for_whom_it_acts() -> None:
    said = {"Frontdesk-Clinic": str(CLINIC), "Frontdesk-Actor": "desk", "Frontdesk-Principal": "open"}
    assert headers(CLINIC, "desk", "open") == said
    assert headers(CLINIC, "desk", "open", COMMAND) == {**said, "Frontdesk-Command-Id": str(COMMAND)}
