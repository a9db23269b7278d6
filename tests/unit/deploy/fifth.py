"""A made-up fifth service, to show what follows from its entry in the table of `deploy/installation.py`."""

from deploy.installation import ServiceSpec

FIFTH = ServiceSpec(
    "notices",
    8004,
    keys=("webhook.key",),
    publishes=("notice.events",),
    called_by_gateway=True,
    audited=True,
    holds_outcomes=True,
    copies_settings=True,
    takes_imports=True,
)
