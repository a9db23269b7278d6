"""The environment of a program that a test starts as somebody would in a shell."""

import os


def own_environment() -> dict[str, str]:
    """This process's, without the settings of Frontdesk that whoever runs the tests has: they are for another stack."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FRONTDESK_")}
