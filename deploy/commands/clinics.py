"""`frontdesk clinics settings`: shows and changes what a clinic decides for itself, through the public API like any client."""

from collections.abc import Iterator
from typing import Any

import httpx2

from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out, table
from deploy.exit_codes import OK
from deploy.failure import Failure, Misused, NoAnswer

TIMEOUT_SECONDS = 30.0
BOOLEANS = {"true": True, "false": False}


def settings(changes: list[str], as_json: bool) -> int:
    """The settings as they are now, after the changes if there are any."""
    api = ADDRESSES.api()
    with httpx2.Client(base_url=api, timeout=TIMEOUT_SECONDS) as client:
        try:
            clinic = _changed(client, changes)
        except httpx2.TransportError as error:
            raise NoAnswer.at("the API", api, type(error).__name__) from error
    out(clinic, as_json, _lines(clinic))
    return OK


def _changed(client: httpx2.Client, changes: list[str]) -> dict[str, Any]:
    found = _clinic(client.get("/clinic"))
    if not changes:
        return found
    body = dict(_read(change, found["settings"]) for change in changes)
    # The values were read by the types of this version: if the settings have been changed since, the API refuses.
    return _clinic(client.patch("/clinic", json=body, headers={"If-Match": f'"v{found["version"]}"'}))


def _read(change: str, known: dict[str, Any]) -> tuple[str, Any]:
    """Name and value of `NAME=VALUE`, of the type that the setting has now."""
    name, equals, text = change.partition("=")
    if not equals or name not in known:
        raise Misused(f"{change} changes no setting; write NAME=VALUE with one of: {', '.join(known)}")
    if isinstance(known[name], bool):
        if text not in BOOLEANS:
            raise Misused(f"{name} is true or false")
        return name, BOOLEANS[text]
    if isinstance(known[name], int):
        if not (text.isascii() and text.isdigit()):
            raise Misused(f"{name} is a whole number")
        return name, int(text)
    return name, text


def _clinic(answer: httpx2.Response) -> dict[str, Any]:
    if answer.is_success:
        return dict(answer.json())
    if answer.status_code == httpx2.codes.UNPROCESSABLE_CONTENT:
        raise Misused("\n".join(f"{error['field']}: {error['reason']}" for error in answer.json()["errors"]))
    if answer.status_code == httpx2.codes.PRECONDITION_FAILED:
        raise Failure("somebody else has just changed the settings\n  try: frontdesk clinics settings")
    raise Failure(f"{answer.request.method} /clinic answered {answer.status_code}: {answer.text[:300]}")


def _lines(clinic: dict[str, Any]) -> Iterator[str]:
    rows = [[name, str(value).lower() if isinstance(value, bool) else str(value)] for name, value in clinic["settings"].items()]
    yield from table(rows, ["SETTING", "VALUE"])
    yield f"clinic {clinic['code']}, version {clinic['version']}"
    yield from _wall_time_lines(clinic)


def _wall_time_lines(clinic: dict[str, Any]) -> Iterator[str]:
    """The appointments whose patients are to be told, after a change of the time zone."""
    if changed := clinic.get("wall_time_changed"):
        yield "A clock shows another time now than these appointments were booked for; tell their patients, or move them:"
        yield from table([[one["id"], one["starts_at"], one["time_zone"]] for one in changed], ["APPOINTMENT", "STARTS", "ZONE"])
    if left := clinic.get("wall_time_changed_left"):
        yield f"and {left} more"
    if clinic.get("wall_time_changed_incomplete"):
        yield "booking does not answer: there may be appointments for which a clock shows another time now"
