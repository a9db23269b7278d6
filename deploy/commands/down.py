"""`frontdesk down`: stops the stack that runs here, and what an earlier one left."""

from deploy.commands.output import out
from deploy.embedded.running import home, stop
from deploy.exit_codes import OK


def down(purge: bool, as_json: bool) -> int:
    """Stop the stack; its data is kept unless it is to be purged."""
    folder = home()
    stopped = stop(folder, purge)
    kept = "data removed" if purge else f"data is kept in {folder}"
    out({"stopped": stopped, "purged": purge}, as_json, ["stopped" if stopped else "nothing was running", kept])
    return OK
