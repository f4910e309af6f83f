"""`hipsync mqtt check` and `forget`: what the broker lets us do, tried, and what it keeps of us, taken back.

A broker that refuses by its access list says so of what is written, and is silent about what is read. So each topic is
written to, and it is looked whether that comes back. The check changes nothing in the home but that the devices are
announced: what is kept at a topic is written there again as it was, and nobody acts upon the command and the prompt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from hipsync.errors import BrokerError
from hipsync.formats.shared import LONGEST_BYTES
from hipsync.home.broker import Connection, connected
from hipsync.home.commands import Do
from hipsync.home.discovery import Announced, band_message, wearer_message
from hipsync.home.names import Names
from hipsync.home.place import Broker
from hipsync.text import clean
from hipsync.together.channel import REFUSED, Subscription
from hipsync.together.topics import ONLINE, Kind, Part

LARGEST_BYTES = 65_536
"""The most bytes of a message that is read: discovery has some five thousand, and ten hosts more of them."""
SHARED_BYTES = LONGEST_BYTES + LARGEST_BYTES
"""The most bytes of a message that is read to be taken back: what computers share is longer."""
NOT_KEPT = (
    "nothing is kept there: in Home Assistant's options of MQTT switch on Retain for the birth and the will message; "
    "else hipsync knows that it runs only after it was started again"
)
NO_WRITE = "the broker's access list does not let hipsync write there"
NO_READ = "what was written there does not come back: the broker's access list does not let hipsync read there"
NO_DAY, NO_BAND = date(1970, 1, 1), "0" * 10
"""A day and a band of which nothing is kept, so that a try changes nothing."""
MOST_WAITING = 20_000
"""The most messages of what the broker keeps that wait to be looked at."""
MOST_ROUNDS = 50
"""How often it is asked what the broker keeps: it may send a thousand topics at a time."""
NOT_TRIED = "not tried: only who may write there, as Home Assistant must, can try whether hipsync hears it"


class Tried(NamedTuple):
    """What was tried, and what came of it."""

    what: Literal["broker", "write", "read", "home"]
    topic: str | None
    verdict: Literal["fine", "look", "bad"]
    text: str


async def check(
    broker: Broker, names: Names, version: str, bands: Sequence[Announced], now_s: int, *, shares: bool = False
) -> list[Tried]:
    """Try all that the service does at the broker, and announce the devices. `now_s` is the time in seconds since 1970.

    `shares` is whether it shares everything with the wearer's other computers, too.

    Raises `BrokerError` if the broker cannot be reached or refuses us altogether.
    """
    async with connected(broker, f"{names.client}-check-{os.urandom(4).hex()}", largest=LARGEST_BYTES) as connection:
        how = "with TLS" if broker.tls is not None else "without TLS"
        who = "" if broker.user is None else f", as {clean(broker.user)}"
        found = [Tried("broker", None, "fine", f"connected to {broker.place} {how}{who}")]
        own = [names.shared.host_topic(), names.run, names.state, *(names.band_topic(band.key) for band in bands)]
        kept = await connection.kept([*own, names.shared.host_topic("+"), names.birth], names.ask)
        hosts = sorted({names.host, *filter(None, map(names.shared.host_of, kept))})
        devices = {names.config(): wearer_message(names, hosts, version)}
        devices |= {names.config(band.key): band_message(names, hosts, version, band) for band in bands}
        for topic, message in devices.items():
            payload = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
            found.append(_written(topic, await connection.publish(topic, payload, retain=True)))
        found.append(_written(names.prompt, await connection.publish(names.prompt, b"", retain=False)))
        found += await _both_ways(connection, names, {topic: kept.get(topic, b"") for topic in own}, now_s)
        found += await _shared(connection, names) if shares else []
    return [*found, _home(names.birth, kept.get(names.birth))]


async def _both_ways(connection: Connection, names: Names, own: Mapping[str, bytes], now_s: int) -> list[Tried]:
    """Write what each of our own topics holds once more, and a command of no effect, and look what comes back."""
    await connection.subscribe([Subscription(names.do, kept=False)])
    codes = {topic: await connection.publish(topic, payload, retain=True) for topic, payload in own.items()}
    command = json.dumps({"do": Do.CHECK, "at": now_s}).encode()
    asked = await connection.publish(names.do, command, retain=False)
    messages, _ = await connection.until_back(names.ask)
    came = {(each.topic, each.payload) for each in messages}
    found: list[Tried] = []
    for topic, code in codes.items():
        found.append(_written(topic, code))
        if topic in {names.shared.host_topic(), names.run}:  # what the service reads of its own
            found.append(_read(topic, code, (topic, own[topic]) in came))
    return [*found, _read(names.do, asked, (names.do, command) in came)]


async def _shared(connection: Connection, names: Names) -> list[Tried]:
    """Write nothing to a topic of each kind by which computers share, and look whether it comes back."""
    host, of = names.host, names.shared
    tried = {
        of.claim: of.claim,
        of.part_topic(Part(Kind.LASTS, host)): of.part_topics(Kind.LASTS),
        of.part_topic(Part(Kind.SAID, host, NO_DAY)): of.part_topics(Kind.SAID, NO_DAY),
        of.part_topic(Part(Kind.DAY, host, NO_DAY, NO_BAND)): of.part_topics(Kind.DAY, NO_DAY),
    }
    await connection.subscribe([Subscription(topics, kept=False) for topics in tried.values()])
    codes = {topic: await connection.publish(topic, b"", retain=False) for topic in tried}
    messages, _ = await connection.until_back(names.ask)
    came = {each.topic for each in messages}
    found: list[Tried] = []
    for topic, code in codes.items():
        found += [_written(topic, code), _read(topic, code, topic in came)]
    return found


def _written(topic: str, code: int) -> Tried:
    return Tried("write", topic, "bad", NO_WRITE) if code >= REFUSED else Tried("write", topic, "fine", "ok")


def _read(topic: str, code: int, came: bool) -> Tried:
    if code >= REFUSED:
        return Tried("read", topic, "look", NOT_TRIED)
    return Tried("read", topic, "fine", "ok") if came else Tried("read", topic, "bad", NO_READ)


def _home(topic: str, kept: bytes | None) -> Tried:
    if kept is None:
        return Tried("home", topic, "look", NOT_KEPT)
    online = kept == ONLINE.encode()
    return Tried("home", topic, "fine" if online else "look", f"Home Assistant is {'online' if online else 'offline'}")


def needed(names: Names, user: str | None) -> list[str]:
    """The lines of mosquitto's access list that let hipsync do what it does."""
    return [
        f"user {user or 'NAME'}",
        f"topic readwrite {names.base}/#",
        f"topic write {names.prefix}/device/#",
        f"topic read {names.birth}",
    ]


async def forget(broker: Broker, names: Names, bands: Sequence[str]) -> list[str]:
    """Take back all that the broker keeps of a wearer, and return the topics that held something.

    `bands` are the keys of bands that are known here; those that the broker knows are taken back too. Home Assistant
    then removes the devices. Raises `BrokerError` if the broker cannot be reached, or refuses to forget.
    """
    name = f"{names.client}-forgets-{os.urandom(4).hex()}"
    async with connected(broker, name, largest=SHARED_BYTES, waiting=MOST_WAITING) as connection:
        kept = await _forgotten(connection, f"{names.base}/#", names.ask)
        above = names.band_topic("")
        keys = {*bands, *(topic.removeprefix(above) for topic in kept if topic.startswith(above))}
        configs = [names.config(), *(names.config(key) for key in sorted(keys) if "/" not in key)]
        kept |= await connection.kept(configs, names.ask)
        await _take_back(connection, configs)
    return sorted(topic for topic, payload in kept.items() if payload and topic != names.birth)


async def _forgotten(connection: Connection, topics: str, ask: str) -> dict[str, bytes]:
    """Take back all that the broker keeps at these topics, and return it by topic. Raises `BrokerError`."""
    found: dict[str, bytes] = {}
    for _ in range(MOST_ROUNDS):
        kept = {topic: payload for topic, payload in (await connection.kept([topics], ask)).items() if payload}
        if not kept:
            break
        found |= kept
        await _take_back(connection, kept)
        await connection.unsubscribe([topics])
    return found


async def _take_back(connection: Connection, topics: Iterable[str]) -> None:
    """Let the broker keep nothing at these topics. Raises `BrokerError` if it refuses that."""
    for topic in topics:
        if await connection.publish(topic, b"", retain=True) >= REFUSED:
            raise BrokerError(f"{NO_WRITE}, so that it keeps what is there: {clean(topic, 200)}")
