"""`frontdesk status`: what runs here, each component probed now."""

from deploy.commands.output import out
from deploy.embedded import report
from deploy.embedded.running import home, status_of
from deploy.exit_codes import FAILED, OK, UNREACHABLE


def status(as_json: bool) -> int:
    """What runs where; 4 if nothing does, 1 if something does not answer."""
    found = status_of(home())
    if not found["running"]:
        left = f", but an earlier run left {', '.join(found['leftovers'])}" if found["leftovers"] else ""
        out(found, as_json, [f"nothing is running{left}; try: frontdesk up"])
        return UNREACHABLE
    out(found, as_json, report.status_lines(found) if found["ready"] else ["starting; see: frontdesk logs"])
    return OK if found["ready"] and all(row["state"] == "ready" for row in found["components"]) else FAILED
