"""What a band or a family of bands can do, as drivers declare it, connections show it and the database keeps it.

The names are offered to drivers by `hipsync.driver`. It is a module of its own because the store holds what each band
was found to do, and the store knows nothing of drivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

LONGEST_EPOCH_TO_JUDGE_BY = timedelta(minutes=30)
"""The greatest length of an epoch that sitting can be judged by. Longer ones are mere totals, which do not show when
the wearer last moved. `core.timeline.COARSE_MINUTES` is the same limit."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a band or a family of bands can do. False and None mean: it cannot, or nobody has shown that it can."""

    history: timedelta | None = None
    """The length of the epochs that the band stores; None if it stores none that can be fetched."""
    live: bool = False
    """Whether the band sends readings as they happen, so that it can be watched."""
    buzz: bool = False
    """Whether the band vibrates on request."""
    text: bool = False
    """Whether the band shows the text of a message."""
    answers: bool = False
    """Whether the wearer can answer a message on the band."""
    battery: bool = False
    """Whether the band reports the charge of its battery."""
    wear: bool = False
    """Whether the minutes that the band reports say if it was worn. A band that says so only now and then, by `Wear`,
    cannot."""
    sleep: bool = False
    """Whether the band reports when its wearer sleeps."""
    heart_rate: bool = False
    """Whether the band reports heart rates."""

    @property
    def nudges(self) -> bool:
        """Whether the band can be made to vibrate or to show a message."""
        return self.buzz or self.text

    @property
    def held(self) -> bool:
        """Whether to stay connected: the band can be watched, and stores no epochs short enough to judge sitting by."""
        return self.live and (self.history is None or self.history > LONGEST_EPOCH_TO_JUDGE_BY)
