"""`frontdesk doctor`: can this machine run Frontdesk, and does what runs here stand well?"""

from pathlib import Path

from deploy.commands.machine import checks
from deploy.commands.output import out, table
from deploy.exit_codes import FAILED, OK

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def doctor(as_json: bool) -> int:
    """Look at everything; 1 if something fails."""
    found = list(checks(_home()))
    rows = [[MARKS[check.state], check.name, check.detail, check.fix and f"try: {check.fix}"] for check in found]
    failed = any(check.state == "fail" for check in found)
    out({"ok": not failed, "checks": [vars(check) for check in found]}, as_json, table(rows, ["", "CHECK", "FOUND", ""]))
    return FAILED if failed else OK


def _home() -> Path:
    from deploy.embedded.stack import home

    return home()
