"""The name of this computer, by which it is told from the other ones of its wearer."""

from __future__ import annotations

import platform

from hipsync.text import clean


def host_name() -> str:
    """The name of this computer without its domain, which changes with the network; empty if it has none."""
    return clean(platform.node().partition(".")[0])
