"""By hand: `python -m tests.checker --history FILE --bootstrap HOST:PORT --dsn booking=postgresql://… …`."""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.checker.check import QUIET_WITHIN_SECONDS, check
from tests.checker.history import History


def main() -> int:
    """Prints the report; 1 if an invariant does not hold."""
    asked = _arguments()
    history = History.load(asked.history) if asked.history else History()
    dsns = dict(pair.split("=", 1) for pair in asked.dsn)
    work = check(history, asked.bootstrap, dsns, doctors=asked.doctor, within_seconds=asked.within)
    report = asyncio.run(work)
    sys.stdout.write(report.text())
    return 0 if report.ok else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.checker", description="Checks a running system from outside.")
    parser.add_argument("--history", type=Path, help="what clients were told, as JSON lines")
    parser.add_argument("--bootstrap", required=True, help="Kafka's address")
    parser.add_argument("--dsn", action="append", required=True, help="SERVICE=URL, once for each of the four databases")
    parser.add_argument("--doctor", action="append", help="leave all other doctors out of account")
    parser.add_argument("--within", type=float, default=QUIET_WITHIN_SECONDS, help="seconds to come to rest in")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
