"""`frontdesk doctor`: whether this machine can run Frontdesk, and whether what runs here is well."""

from deploy.commands import machine, server_checks
from deploy.commands.output import out, table
from deploy.embedded.running import home
from deploy.exit_codes import FAILED, OK

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def doctor(as_json: bool) -> int:
    """Make all checks; 1 if one fails."""
    found = [*machine.checks(home()), *server_checks.checks()]
    rows = [[MARKS[check.state], check.name, check.detail, check.fix and f"try: {check.fix}"] for check in found]
    failed = any(check.state == "fail" for check in found)
    out({"ok": not failed, "checks": [vars(check) for check in found]}, as_json, table(rows, ["", "CHECK", "FOUND", ""]))
    return FAILED if failed else OK
