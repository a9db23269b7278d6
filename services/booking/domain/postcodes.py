"""Postcodes of the United Kingdom and its overseas territories: whether a text has the form of one, and how it is written.

The form, not whether the place exists. The rules are those of BS 7666, as Royal Mail's PAF Programmers' Guide ("Postcode format")
and GOV.UK's bulk data transfer specification for postcodes (appendix C) print them:
- outward A9, A99, AA9, AA99, A9A or AA9A, then inward 9AA; written in capitals with one space between the two;
- the first letter is not Q, V or X; the second not I, J or Z; the third position of A9A takes ABCDEFGHJKPSTUW, the fourth of AA9A
  ABEHMNPRVWXY; the letters of the inward part are none of C, I, K, M, O and V;
- GIR 0AA is one by itself, and so are those of the overseas territories. British forces have BF1 9AA codes, which follow the
  rules, and the older "BFPO 801", which does not.

No library is right for all of these: those that we found know the plain forms only, or let wrong letters through. Used by
`schemas.py`.
"""

import re

_FIRST, _SECOND = "[A-PR-UWYZ]", "[A-HK-Y]"
_OUTWARD = rf"{_FIRST}(?:[0-9]{{1,2}}|[0-9][A-HJKPSTUW]|{_SECOND}[0-9]{{1,2}}|{_SECOND}[0-9][ABEHMNPRVWXY])"
_INWARD = "[0-9][ABD-HJLNP-UW-Z]{2}"
_PLAIN = re.compile(f"({_OUTWARD})({_INWARD})")
_FORCES = re.compile("(BFPO)([1-9][0-9]{0,3})")
_SPECIAL = re.compile("(GIR)(0AA)|(ASCN|BBND|BIQQ|FIQQ|PCRN|SIQQ|STHL|TDCU|TKCA)(1ZZ)")
"""Girobank; Ascension, the Indian Ocean and Antarctic territories, the Falklands, Pitcairn, South Georgia, St Helena, Tristan da
Cunha, Turks and Caicos. Gibraltar's GX11 1AA has a plain form; other territories have codes of their own kinds."""


def formatted(text: str) -> str | None:
    """The postcode in capitals with one space, however it was typed; none if it has not the form of one."""
    together = "".join(text.split())
    if not together.isascii():
        return None  # in capitals other letters can become some of these: ß is SS
    together = together.upper()
    for form in (_PLAIN, _FORCES, _SPECIAL):
        if found := form.fullmatch(together):
            return " ".join(part for part in found.groups() if part)
    return None
