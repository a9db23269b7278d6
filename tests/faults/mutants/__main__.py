"""Runs a service, perhaps as a mutant, perhaps to be stopped at points: `python -m tests.faults.mutants SERVICE …`."""

import argparse
import runpy
from pathlib import Path

from tests.faults.mutants.mutations import MUTANTS
from tests.faults.mutants.points import stop_at_points


def main() -> None:
    """Patches, then is the service."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants")
    parser.add_argument("service")
    parser.add_argument("--points", type=Path, required=True, help="the folder by which a test stops it")
    parser.add_argument("--mutant", action="append", choices=MUTANTS, default=[])
    asked = parser.parse_args()
    stop_at_points(asked.points, asked.service)
    for name in asked.mutant:
        MUTANTS[name]()
    runpy.run_module(f"services.{asked.service}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
