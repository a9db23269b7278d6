"""How often a race is run that costs more than a second: in part beside all other tests, in full by `make soak`."""

import os

FULL = os.environ.get("RACES") == "full"
PART = 0.4


def rounds(full: int) -> int:
    """So many in full, two fifths of it in part."""
    return full if FULL else round(full * PART)
