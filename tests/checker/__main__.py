"""By hand, on a system that is at rest: `python -m tests.checker --history FILE`. `frontdesk env` prints what it reads:

`KAFKA_BOOTSTRAP_SERVERS`, and in `POSTGRES_READER_URL` a role that sees the rows of all clinics. Idle transactions of other
roles are seen only by one that may read the server's statistics, as the superuser of the tests does.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.checker.check import QUIET_WITHIN_SECONDS, check
from tests.checker.history import History
from tests.checker.sql import TABLES

KAFKA, READER = "KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_READER_URL"


def main() -> int:
    """Prints the report; 1 if an invariant does not hold."""
    asked = _arguments()
    history = History.load(asked.history) if asked.history else History()
    dsns = {database: _on_database(os.environ[READER], database) for database in TABLES}
    work = check(history, os.environ[KAFKA], dsns, doctors=asked.doctor, within_seconds=asked.within)
    report = asyncio.run(work)
    sys.stdout.write(report.text())
    return 0 if report.ok else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.checker", description="Checks a running system from outside.")
    parser.add_argument("--history", type=Path, help="what clients were told, as JSON lines")
    parser.add_argument("--doctor", action="append", help="leave all other doctors out of account")
    parser.add_argument("--within", type=float, default=QUIET_WITHIN_SECONDS, help="seconds to come to rest in")
    return parser.parse_args()


def _on_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


if __name__ == "__main__":
    sys.exit(main())
