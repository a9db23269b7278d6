"""`frontdesk topics`: makes what is declared."""

from deploy import addresses, blocking
from deploy.commands.output import out
from deploy.exit_codes import FAILED, OK
from deploy.topics import create_topics


def create(as_json: bool) -> int:
    """Every declared topic; 1 if existing ones are not as declared."""
    made = blocking.run(create_topics(addresses.kafka()))
    lines = [f"{len(made.created)} topics made, {len(made.existing)} were there", *made.differences]
    out({"created": made.created, "existing": made.existing, "differences": made.differences}, as_json, lines)
    return FAILED if made.differences else OK
