"""The code of a doctor for whom none was given: made from the name. Used by `doctors/register.py` and `doctors/import_.py`."""

import re
import unicodedata
from collections.abc import Collection

from shared.contracts.directory import CODE_LENGTH, code_key

CODE_SUFFIX_LENGTH = 8
"""Room that a `-2` needs behind the longest code, however many clash."""
NAMELESS = "doctor"


def slug(name: str) -> str:
    """The code that a name gives: ASCII letters and digits, joined by single hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    return "-".join(words)[: CODE_LENGTH - CODE_SUFFIX_LENGTH].rstrip("-") or NAMELESS


def free_code(base: str, taken: Collection[str]) -> str:
    """The code itself, or the first of `-2`, `-3`, … whose key is not `taken`."""
    number, code = 1, base
    while code_key(code) in taken:
        number += 1
        code = f"{base}-{number}"
    return code
