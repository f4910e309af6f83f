"""Text that strangers sent, made fit to show."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls (C0, C1), format characters (among them those that turn the direction of writing), halves of surrogate
pairs, private and unassigned code points, line and paragraph separators: in a terminal they move the cursor, change
colours, or make one name look like another."""


def clean(text: str, limit: int = 64) -> str:
    """At most `limit` characters of the text, without those that steer a terminal or hide, and no space at its ends."""
    shown = (character for character in text if unicodedata.category(character) not in _UNSEEN)
    return "".join(shown).strip()[:limit].rstrip()
