"""`python -m deploy.compose secrets|setup|seed`: the one-shot containers of `docker-compose.yml`; each may run again any time."""

import sys
from collections.abc import Callable

import structlog

from deploy.addresses import Addresses, who_runs_servers
from deploy.compose.secrets import FOLDER, make_secrets
from deploy.compose.setup import set_up
from deploy.failure import Failure
from deploy.seed import seed
from shared.infra.logging import configure_logging

log = structlog.get_logger()


def make_demo_clinic() -> None:
    """The demo clinic, through the gateway. One that cannot be made is no reason for the system not to be ready."""
    try:
        demo = seed(Addresses().api().removesuffix("/api/v1"))
    except Failure as failure:
        log.warning("demo_clinic_not_made", reason=str(failure))
    else:
        log.info("demo_clinic_made", doctor_ids=demo.doctor_ids, patient_ids=demo.patient_ids, missing=demo.missing)


STEPS: dict[str, Callable[[], None]] = {
    "secrets": lambda: make_secrets(FOLDER),
    "setup": lambda: set_up(FOLDER),
    "seed": make_demo_clinic,
}


def main(arguments: list[str]) -> None:
    """Runs one step; what it cannot do is one line in the log and exit code 1."""
    if len(arguments) != 1 or arguments[0] not in STEPS:
        sys.exit(f"one of these: {' '.join(STEPS)}")
    configure_logging("compose", arguments[0], "info")
    try:
        STEPS[arguments[0]]()
    except Failure as failure:
        log.error("step_failed", reason=failure.shown(who_runs_servers()))
        sys.exit(failure.exit_code)


if __name__ == "__main__":
    main(sys.argv[1:])
