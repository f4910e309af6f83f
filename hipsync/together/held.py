"""What the channel holds of what the computers of one wearer share, by digests: so that nothing is told twice.

A part needs telling if this host has told something else of it, and no other host has told the same.
"""

from __future__ import annotations

from collections.abc import Collection

from hipsync.together.topics import Kind, Part

MOST = 20_000
"""The most parts that are known: ten hosts with sixty bands and a month of days. A stranger may make up more."""


class Held:
    """The digests of what the channel holds."""

    def __init__(self, host: str) -> None:
        """`host` is this one."""
        self._host = host
        self._digests: dict[Part, str] = {}
        self._by_subject: dict[object, dict[str, str]] = {}

    def note(self, part: Part, digest: str | None) -> None:
        """Note what the channel holds of a part from now on; None if it holds nothing."""
        hosts = self._by_subject.setdefault(part.subject, {})
        hosts.pop(part.host, None)
        self._digests.pop(part, None)
        if digest is not None and len(self._digests) < MOST:
            hosts[part.host] = self._digests[part] = digest
        if not hosts:
            del self._by_subject[part.subject]

    def needs(self, part: Part, digest: str) -> bool:
        """Whether a part of this host, with this digest now, is to be told."""
        return digest not in self._by_subject.get(part.subject, {}).values()

    def own(self, kind: Kind) -> Collection[Part]:
        """The parts of a kind that the channel holds of this host."""
        return [part for part in self._digests if part.host == self._host and part.kind is kind]
