"""Both ends of a conversation with a Huawei band: a client without the driver, and the driver at a desk.

`Phone` is written from the sheet with the codec alone. `Desk` runs the driver, keeps what it wants to be kept, and can
be killed at any step.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hipsync.conversation.dialogue import OpenDialogue, dialogue
from hipsync.driver import Session
from hipsync.host.clock import FastClock
from hipsync.model import Epoch, Reading, Workout
from hipsync.simulated import HangUp
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation
from hipsync_devices.huawei import DRIVER, ciphers, frames, hichain, packets, proofs
from hipsync_devices.huawei.ciphers import Cipher
from hipsync_devices.huawei.frames import Assembly, Message
from hipsync_devices.huawei.hichain import Answer, Answered, Begun
from hipsync_devices.huawei.keys import Keys
from hipsync_devices.huawei.packets import LinkParameters
from hipsync_devices.huawei.sim import HuaweiBand
from hipsync_devices.huawei.tlv import Fields

OURS = Keys("00112233445566778899AABBCCDDEEFF", "FF:FF:FF:12:34:56", bytes(range(16)), bytes(range(32)))
NONCE = bytes(range(0x50, 0x60))
SECOND = timedelta(seconds=1)


class Phone:
    """A phone that is connected to a simulated band. It hears everything that the band says, in order."""

    def __init__(self, band: HuaweiBand, now: datetime, mtu: int = 247, keys: Keys = OURS) -> None:
        self.band, self.now, self.keys = band, now, keys
        self.cipher: Cipher | None = None
        self.values: list[bytes] = []
        """The notifications, as they came."""
        self.was_hung_up = False
        self._assembly = Assembly()
        band.mtu = mtu
        band.connected(now)
        band.on_subscribe(frames.NOTIFY, True, now)

    def wait(self, length: timedelta = timedelta()) -> list[Message]:
        """Let time pass, and return what the band says meanwhile, in plain."""
        self.now += length
        heard: list[Message] = []
        for each in self.band.advance(self.now):
            if isinstance(each, HangUp):
                self.was_hung_up = True
                continue
            self.values.append(each.data)
            heard += self._assembly.take(each.data)
        return [Message(*each.what, ciphers.unsealed(each.body, self.cipher)) for each in heard]

    def say(self, what: tuple[int, int], body: bytes, *, sealed: bool | None = None) -> list[Message]:
        """Send a message, sealed after the login unless `sealed` says otherwise, and return what the band says."""
        if self.cipher is not None and sealed is not False:
            body = self.cipher.seal(body, bytes(16))
        stream = b"".join(frames.frames(Message(*what, body)))
        for at in range(0, len(stream), self.band.mtu - 3):
            self.band.write(frames.WRITE, frames.SERVICE, stream[at : at + self.band.mtu - 3], self.now)
        return self.wait()

    def ask(self, what: tuple[int, int], body: bytes, *, sealed: bool | None = None) -> bytes:
        """Send a message and return the body of its answer; what else the band says is left out."""
        return next(each.body for each in self.say(what, body, sealed=sealed) if each.what == what)

    # ------------------------------------------------------------------ logins

    def link(self) -> LinkParameters:
        return LinkParameters.decode(self.ask(packets.LINK, packets.ASK_LINK))

    def negotiate(self, link: LinkParameters) -> int:
        return packets.negotiated(self.ask(packets.NEGOTIATION, packets.negotiation(link, self.keys.identity, "Stub")))

    def pin(self, link: LinkParameters) -> bytes:
        """Ask for the PIN, which comes once the wearer has tapped yes."""
        heard = [*self.say(packets.PIN, packets.ASK), *self.wait(3 * SECOND)]
        told = Fields.decode(next(each.body for each in heard if each.what == packets.PIN))
        return proofs.pin_of(link.version, told.value(1), told.value(2), gcm=link.method == 1)

    def log_in_by_hichain(self, *, first: bool) -> bytes:
        """Log in, after a first meeting or not, and return the token."""
        link = self.link()
        assert self.negotiate(link) == (packets.FIRST_MEETING if first else packets.KNOWN)
        token = self.keys.token
        if first:
            token = self._operation(hichain.BIND, hichain.root_of(self.pin(link)))
        self.cipher = Cipher(self._operation(hichain.AUTHENTICATE, token), gcm=True)
        return token

    def _operation(self, number: int, root: bytes) -> bytes:
        """Go through an operation, and return the token, or the key of the messages."""
        begun = Begun(number, 1000 + number, self.keys.identity, root, bytes(16), bytes(32))
        made = Answered.of(begun, self._step(begun.greeting()))
        made.judge(self._step(made.proof()))
        won = made.traffic
        if number == hichain.BIND:
            won = made.token_in(self._step(made.exchange(NONCE, bytes(12))), NONCE)
        assert self._step(made.result(bytes(12))).ended == number
        return won

    def _step(self, body: bytes) -> Answer:
        return Answer.decode(self.ask(packets.HICHAIN, body, sealed=False))

    def log_in_classic(self) -> bool:
        """Log in the classic way or by lite, and return whether the band had a bond with us before."""
        link = self.link()
        nonces = link.nonce + NONCE
        if link.negotiates:
            assert self.negotiate(link) in packets.LITES
            pin = self.pin(link)
            ours, theirs = (
                proofs.lite(link.version, word, nonces, pin, link.algorithm)
                for word in (proofs.CHALLENGE, proofs.ANSWER)
            )
            bond_key, algorithm = ours.inner[:16], link.algorithm
        else:
            ours, theirs = (proofs.classic(link.version, word, nonces) for word in (proofs.CHALLENGE, proofs.ANSWER))
            bond_key, algorithm = proofs.address_key(link.version, self.band.address), None
        said = self.ask(packets.AUTH, packets.auth(link.version, ours.digest, NONCE, algorithm))
        assert Fields.decode(said).value(1) == theirs.digest
        asked = packets.bond_parameters(self.keys.serial, self.keys.phone)
        bonded = packets.Bonded.decode(self.ask(packets.BOND_PARAMETERS, asked))
        if link.negotiates or not bonded.is_bonded:
            text = Cipher(bond_key, link.method == 1).encrypted(bytes(16), self.keys.session)
            assert self.ask(packets.BOND, packets.bond(self.keys.serial, text, bytes(16))).hex() == "020101"
        self.cipher = Cipher(self.keys.session, link.gcm)
        return bonded.is_bonded


# ------------------------------------------------------------------ the driver


KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
"""The key that hipsync chose for the band, which the simulated band was paired with already."""


class Kill(BaseException):
    """Our process is killed."""


class Stepped(DirectConnection):
    """A connection that calls a function before each write."""

    def __init__(self, band: HuaweiBand, now: Callable[[], datetime], step: Callable[[], None], mtu: int) -> None:
        super().__init__(band, now, mtu=mtu)
        self._step = step

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self._step()
        await super().write(characteristic, data, response, service)


@dataclass
class Desk:
    """hipsync's side: what is on disk, and how one connection after the other goes."""

    band: HuaweiBand
    secret: bytes | None = KEY
    store: MemoryStore = field(default_factory=MemoryStore)
    taps: int = 0
    """How often the person was told to tap the band."""
    mtu: int = 247
    zone: str = "UTC"
    since: dict[type[Reading], datetime] = field(default_factory=dict[type[Reading], datetime])
    written: list[bytes] = field(default_factory=list[bytes])
    """What was written to the band in the last connection."""
    steps: int = 0
    """How many times the band was written to, or something was kept, in the last connection."""
    kill_at: int | None = None
    """The number of the step of the next connection at which our process is killed; None for no kill."""

    async def _keep(self, secret: bytes) -> None:
        self.step()
        self.secret = secret

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.kill_at:
            raise Kill

    def _tapped(self) -> None:
        self.taps += 1

    @contextlib.asynccontextmanager
    async def connected(self, clock: FastClock, *, pairing: bool = False) -> AsyncGenerator[OpenDialogue, None]:
        """Connect and log in; the link ends with the block."""
        connection, self.steps = Stepped(self.band, clock.now, self.step, self.mtu), 0
        session = Session(
            name=self.band.name, secret=self.secret, since=self.since, pairing=pairing, address=self.band.address,
            keep=self._keep, tap=self._tapped,
        )  # fmt: skip
        try:
            talk = conversation(connection, clock, self.zone)
            async with dialogue(DRIVER, talk, session, self.store.commit) as opened:
                yield opened
        finally:
            self.written = [data for _, data in connection.written]
            connection.drop()

    async def sync(self, clock: FastClock) -> None:
        try:
            async with self.connected(clock) as opened:
                await opened.fetch(self.store.commit)
        finally:
            for reading in self.store.readings:
                at = reading.end if isinstance(reading, Epoch | Workout) else reading.at
                self.since[type(reading)] = max(at, self.since.get(type(reading), at))

    @property
    def epochs(self) -> dict[datetime, Epoch]:
        """The stored minutes by their start; the last one with a start counts."""
        return {epoch.start: epoch for epoch in self.store.of(Epoch)}
