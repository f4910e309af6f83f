"""What every form of exports needs: the file's first bytes, the wearer's zone, and one word for each reason.

A form reads a file by its `Form`, under the circumstances of a `Reading`. A row that cannot be right is left out and
counted there; what no export can mean is an `InputError`.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple
from zoneinfo import ZoneInfo

from hipsync.driver import Driver
from hipsync.errors import InputError, ZoneWanted
from hipsync.formats.meaning import YEARS
from hipsync.formats.past.said import Said
from hipsync.instants import is_believed
from hipsync.text import clean

DAY_S = 24 * 60 * 60
HEART_RATES = range(20, 251)
"""The heart rates that a wearer may have, in beats a minute; a row with another one is left out."""
SKIPPED = "with a local time that does not exist: the clock skipped it"
FUTURE = "with a time in the future"
NO_LENGTH = "with an end that is not after the start"
TOO_LONG = "longer than a day"
NO_STEPS = "without a number of steps"
TOO_MANY_STEPS = "with more steps than anybody walks in that time"
NO_HEART_RATE = f"without a heart rate from {HEART_RATES[0]} to {HEART_RATES[-1]}"
UNKNOWN_STAGE = "with a stage of sleep that hipsync does not know"
"""Why a row of any form is left out, as the end of "1 row" and of "3 rows". A form adds only reasons of its own."""


class NoText(InputError):
    """A file is not text in UTF-8. In which line is not known, because text is read ahead."""


@dataclass
class Reading:
    """The circumstances under which files are read."""

    zone: ZoneInfo | None
    """The zone of local times that do not say theirs; None if it is not known."""
    now: datetime
    drivers: Mapping[str, Driver] = field(default_factory=dict[str, Driver])
    """The drivers of which a form may need `Driver.read_file`, by key."""
    has_local_times: bool = False
    """Whether a file has local times, so that `zone` was used."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    """How many rows were left out, by the reason: the end of a sentence that begins "3 rows"."""

    def leave_out(self, why: str, rows: int = 1) -> None:
        """Count rows that are left out. `why` is the end of a sentence, such as "with a time in the future"."""
        self.left_out[why] += rows

    def local_times(self) -> LocalTimes:
        """The local times of one file. Raises `ZoneWanted` if their zone is not known."""
        if self.zone is None:
            raise ZoneWanted("its times are local and it does not say where: add --zone, such as --zone Europe/London")
        self.has_local_times = True
        return LocalTimes(self.zone)

    def is_possible(self, at_s: int) -> bool:
        """Whether an instant is believed now and lies in `YEARS`; else its row is counted as left out.

        Raises `InputError` for a year that no export can mean.
        """
        if not _FIRST_S <= at_s < _END_S:
            raise InputError(f"a time is not in the years {YEARS[0]} to {YEARS[-1]} of UTC")
        if is_believed(datetime.fromtimestamp(at_s, UTC), self.now):
            return True
        self.leave_out(FUTURE)
        return False

    def is_span(self, start_s: int, end_s: int, longest_s: int = DAY_S) -> bool:
        """Whether a span has a length, at most `longest_s`, and is over; else its row is counted as left out.

        Raises `InputError` for a year that no export can mean.
        """
        if end_s <= start_s:
            self.leave_out(NO_LENGTH)
            return False
        if end_s - start_s > longest_s:
            self.leave_out(TOO_LONG)
            return False
        early = start_s < longest_s  # any later start is possible if its end is
        return (not early or self.is_possible(start_s)) and self.is_possible(end_s)


class LocalTimes:
    """Local times of one zone, which are read in the order of a file."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._before_s: int | None = None

    def seconds(self, local: datetime) -> int | None:
        """The instant of a naive local time, in seconds since 1970; None for one that the clock skipped.

        In an hour that comes twice it is the first one, unless the time before this one was later already.
        """
        first = local.replace(tzinfo=self._zone)
        at_s = int(first.timestamp())
        if datetime.fromtimestamp(at_s, self._zone).replace(tzinfo=None) != local.replace(microsecond=0, fold=0):
            return None
        again_s = int(first.replace(fold=1).timestamp())
        if self._before_s is not None and at_s < self._before_s <= again_s:
            at_s = again_s
        self._before_s = at_s
        return at_s


class Head(NamedTuple):
    """What is known of a file before it is read."""

    name: str
    """Its name without folders, as it is; a file in a ZIP has the name that it has there."""
    start: bytes
    """Its first bytes, up to `HEAD_BYTES`."""

    @property
    def first_line(self) -> str:
        """The first line of text, without a byte order mark; what is no UTF-8 is replaced."""
        lines = self.start.decode("utf-8-sig", "replace").splitlines()
        return lines[0] if lines else ""


HEAD_BYTES = 2**16
"""How many bytes of a file `Head.start` has."""


class Form(NamedTuple):
    """A form that exports have."""

    key: str
    """The word for it on the command line."""
    label: str
    """Its name for people, such as "Apple Health"."""
    fits: Callable[[Head], bool]
    """Whether a file is of this form, by its first bytes and, if these do not tell, its name. It raises nothing."""
    read: Callable[[BinaryIO, Head, Reading], Iterator[Said]]
    """Read a whole file from its beginning, and yield what it says, in bounded memory. Raises `InputError`, which names
    the line or place, and `ZoneWanted`."""
    is_one_of_many: bool = False
    """Whether an export holds thousands of such files, so that a damaged one among them is left out and counted. Such
    a file is checked whole before anything of it is yielded."""


@contextmanager
def text_of(file: BinaryIO) -> Generator[io.TextIOWrapper, None, None]:
    """During the block, a file as text in UTF-8, with or without a byte order mark; line ends stay as they are.

    The file stays open. Raises `NoText`.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield text
    except UnicodeDecodeError as error:
        raise NoText("the file is not text in UTF-8") from error
    finally:
        if not file.closed:  # else a reader that nobody finished was let go of later than its file
            text.detach()


def believed_rate(number: float) -> int | None:
    """A heart rate rounded to whole beats a minute; None for one outside `HEART_RATES`, such as a 0 for none."""
    rate = round(number)
    return rate if rate in HEART_RATES else None


def shown(cell: object) -> str:
    """A stranger's cell or value of JSON for a message: one line of at most 60 characters that no terminal obeys."""
    match cell:
        case str() | bytes():
            return clean(repr(cell[:40]), 60)
        case int() | float() | None:
            return clean(repr(cell), 60)
        case _:
            return "a list or an object"


_FIRST_S = int(datetime(YEARS[0], 1, 1, tzinfo=UTC).timestamp())
_END_S = int(datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC).timestamp())
