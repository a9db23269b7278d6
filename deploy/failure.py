"""What a command says instead of a traceback: a text for a person and the exit code that goes with it.

Raised anywhere below `deploy`, shown by `deploy.cli` and `deploy.compose` only.
"""

from typing import Self

from deploy.exit_codes import FAILED, NOT_FOUND, UNREACHABLE, USAGE


class Failure(Exception):
    """A command cannot do what was asked; the text says why and what to type."""

    exit_code = FAILED

    def shown(self, who_runs_servers: str) -> str:
        """The whole text. `who_runs_servers` is what to type to see whether the servers run."""
        return str(self)


class Misused(Failure):
    """The arguments, the file or an address cannot be used as they are."""

    exit_code = USAGE


class NotThere(Failure):
    """What was named does not exist."""

    exit_code = NOT_FOUND


class Unreachable(Failure):
    """What the command talks to does not run, or does not answer."""

    exit_code = UNREACHABLE


class NoAnswer(Unreachable):
    """A server does not answer at its address. Who raises it does not know who runs the server: `shown` adds what to type."""

    def __init__(self, text: str, *, doctor: bool = False) -> None:
        """`doctor`: `frontdesk doctor` checks this server, too."""
        super().__init__(text)
        self._first = "frontdesk doctor, " if doctor else ""

    @classmethod
    def at(cls, server: str, address: object, why: str, *, doctor: bool = False) -> Self:
        """Of a server that is named as a person calls it."""
        return cls(f"{server} does not answer at {address}: {why}", doctor=doctor)

    def shown(self, who_runs_servers: str) -> str:
        return f"{self}\n  try: {self._first}{who_runs_servers}"
