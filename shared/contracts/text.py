"""Text as people type and paste it, made plain before it is read or compared: one way for all characters that look alike.

Used by the shapes of calls and by who reads numbers out of text. It changes what is compared, never what is stored.
"""

import unicodedata

_APOSTROPHES = "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02bd\u2032\u0060\u00b4"
"""Of quotation marks, letters (Unicode, "Apostrophe", chapter 6.2), primes and accents that stand for one."""
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
"""What ASCII has, as input methods for Chinese and Japanese write it."""
_LOOK_ALIKE = _FULL_WIDTH | dict.fromkeys(map(ord, _APOSTROPHES), "'") | dict.fromkeys(map(ord, _DASHES), "-")
_WITHOUT_SHAPE = ("Cf", "Cc")
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0")
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0000, 0xE1000))
"""With format characters, what Unicode's `DerivedCoreProperties.txt` calls `Default_Ignorable_Code_Point`. Control characters and
the blank of Braille show nothing either."""


def is_invisible(character: str) -> bool:
    """Whether a character shows nothing and takes no room: it may be needed to write a word, and never tells two words apart."""
    if unicodedata.category(character) in _WITHOUT_SHAPE:
        return not character.isspace()
    return character in _FILLERS or any(ord(character) in some for some in _SELECTORS)


def shows_nothing(text: str) -> bool:
    """Whether nothing of a text can be seen."""
    return all(is_invisible(character) or character.isspace() for character in text)


def plain(text: str) -> str:
    """The text with the blanks, hyphens, apostrophes, letters and digits of ASCII for those that look like them. What is
    invisible goes."""
    seen = (" " if character.isspace() else character for character in text.translate(_LOOK_ALIKE))
    return "".join(character for character in seen if not is_invisible(character))
