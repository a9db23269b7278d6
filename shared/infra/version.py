"""Which Frontdesk this is. Imports nothing else of ours: the commands ask it without loading what a service needs."""

from importlib.metadata import PackageNotFoundError, version


def distribution_version() -> str:
    """The version of the installed distribution; `0.0.0` in a checkout that was not installed."""
    try:
        return version("frontdesk")
    except PackageNotFoundError:
        return "0.0.0"
