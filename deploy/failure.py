"""What a command says instead of a traceback: a text for a person and the exit code that goes with it.

Raised anywhere below `deploy`, shown by `deploy.cli` only.
"""

from deploy.exit_codes import FAILED, NOT_FOUND, UNREACHABLE, USAGE


class Failure(Exception):
    """A command cannot do what was asked; the text says why and what to type."""

    exit_code = FAILED


class Misused(Failure):
    """The command was asked for something that it does not do."""

    exit_code = USAGE


class NotThere(Failure):
    """What was named does not exist."""

    exit_code = NOT_FOUND


class Unreachable(Failure):
    """What the command talks to does not run, or does not answer."""

    exit_code = UNREACHABLE
