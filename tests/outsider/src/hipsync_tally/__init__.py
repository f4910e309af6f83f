"""The Tally counts steps since midnight, tells them as they happen, and remembers nothing. Nobody makes it."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

from hipsync.driver import Abilities, Advertisement, Driver, Link, Session
from hipsync.errors import DeviceError, LinkLost, MalformedPacket, NoReply
from hipsync.model import Charge, Counter, Reading

BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"
"""One byte, percent: the Bluetooth SIG's Battery Level."""
SERVICE, COUNT = "7a110001-c0de-4000-8000-7a117a117a11", "7a110002-c0de-4000-8000-7a117a117a11"
"""Steps since midnight, four bytes, the lowest first."""
AGAIN = timedelta(minutes=2)
"""Without a word for so long, it is asked."""


def steps(value: bytes) -> int:
    if len(value) != 4:
        raise MalformedPacket("a count has four bytes", value)
    return int.from_bytes(value, "little")


async def opened(link: Link, session: Session) -> Sequence[Reading]:
    try:
        level = await link.read(BATTERY)
    except LinkLost:
        raise
    except DeviceError:  # no reason to lose the steps
        return []
    return [Charge(link.now(), level[0])] if len(level) == 1 and level[0] <= 100 else []


async def watch(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    await link.subscribe(COUNT)
    at, value = link.now(), await link.read(COUNT)
    while True:
        yield [Counter(at, steps(value))]
        try:
            _, at, value = await link.notification(COUNT, timeout=AGAIN)
        except NoReply:
            at, value = link.now(), await link.read(COUNT)


def matches(advertisement: Advertisement) -> bool:
    return SERVICE in advertisement.services


DRIVER = Driver(
    key="tally",
    label="Tally",
    abilities=Abilities(live=True, battery=True),
    secret=lambda _: "none",
    matches=matches,
    open=opened,
    watch=watch,
    needs={(COUNT, b"")},
)
