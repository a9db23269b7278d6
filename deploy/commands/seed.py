"""`frontdesk seed`: makes the demo clinic of the stack that runs here."""

from dataclasses import asdict

from deploy import seed as demo_clinic
from deploy.commands.output import out
from deploy.embedded.running import gateway_url, running_servers
from deploy.exit_codes import OK


def seed(as_json: bool) -> int:
    """Make what the demo clinic lacks, and print its ids."""
    demo = demo_clinic.seed(gateway_url(running_servers().folder))
    lines = [f"doctors  {' '.join(demo.doctor_ids)}", f"patients {' '.join(demo.patient_ids)}"]
    lines += [f"gone     {what}" for what in demo.missing]
    out(asdict(demo), as_json, lines)
    return OK
