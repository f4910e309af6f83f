"""Garmin's own login as a simulated watch lives through it, on its side of messages 5101 to 5112.

It has a cipher and a reading of the messages of its own, and checks everything that a host proves. What it keeps of its
host outlives a connection. Source: seofernando25/garmin-proto-lab at 501817c3, `spec/PROTOCOL.md` P-0200 to P-0212, and
`src/garmin_proto_lab/auth_messages.py` for where each byte stands. What a watch does when a host fails, nobody says:
here it ends the connection.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from hipsync.errors import MalformedPacket
from hipsync_devices.garmin.gfdi import Answer, Frame, Kind, Said, answered

WAITS_S = 30
DIGITS, JUST_WORKS, OUT_OF_BAND = range(3)
SELECTOR = 7
"""The first byte of 5111, which comes back."""
GOES_ON = b"\0\xff"
NEGOTIATION = struct.pack("<BI", 0, 1)
_DELTA, _ALL = 0x9E3779B9, 0xFFFFFFFF
_FRAME_AT = 8
"""Where in a sealed body the frame begins, after a counter and the sender's mark."""


def crypted(data: bytes, key: bytes, *, back: bool = False) -> bytes:
    """Return whole words under XXTEA, or with `back` what was under it. Raises `MalformedPacket` for anything else."""
    count = len(data) // 4
    if count < 2 or len(data) % 4:
        raise MalformedPacket("not whole words", data)
    v, k = list(struct.unpack(f"<{count}I", data)), struct.unpack("<4I", key)
    sums = [_DELTA * turn & _ALL for turn in range(1, 7 + 52 // count)]
    for total in reversed(sums) if back else sums:
        e = total >> 2 & 3
        for p in range(count - 1, -1, -1) if back else range(count):
            z, y = v[p - 1], v[p + 1 - count]
            mix = ((z >> 5 ^ y << 2) + (y >> 3 ^ z << 4)) ^ ((total ^ y) + (k[p & 3 ^ e] ^ z))
            v[p] = (v[p] - mix if back else v[p] + mix) & _ALL
    return struct.pack(f"<{count}I", *v)


def commitment(passkey: bytes, random: bytes, address: str) -> bytes:
    """Return the confirm value of 16 random bytes, for a watch at this address."""
    own = bytes(reversed(bytes.fromhex(address.replace(":", "")))) + bytes(10)
    once = int.from_bytes(crypted(random, passkey), "big")
    mixed = once ^ int.from_bytes(own, "big") ^ int.from_bytes(random, "big")
    return crypted(mixed.to_bytes(16, "big"), passkey)


@dataclass(slots=True)
class Owner:
    """What the watch keeps of the host that it is paired with; nothing before its first pairing."""

    key: bytes = field(default=b"", repr=False)
    name: bytes = b""


@dataclass(slots=True)
class Guard:
    """How a watch without a bond lets a host in, for as long as the watch is there."""

    mode: int
    address: str
    show: Callable[[str], None]
    random: Random
    owner: Owner = field(default_factory=Owner)
    draws: list[bytes] = field(default_factory=list[bytes])
    """The next random bytes that the watch draws; when they are used up, it draws its own."""
    believes: bool = False
    """Whether it takes any confirm value for right, as something would that knows no digits itself."""
    bare_after: int | None = None
    """The message after whose answer it goes on without a seal, as something would that does not know the key."""

    def draw(self, size: int) -> bytes:
        """Return so many random bytes."""
        return self.draws.pop(0) if self.draws else self.random.randbytes(size)

    def take_over(self, kept: bytes) -> None:
        """Begin as a watch that was paired already, with whoever kept this: a key, and the bytes that name it."""
        self.owner.key, self.owner.name = kept[:16], kept[16:26].ljust(10, b"\0")


class SimLogin:
    """The login over one registration of GFDI."""

    def __init__(
        self,
        guard: Guard,
        now: Callable[[], datetime],
        ask: Callable[[Frame], None],
        tell: Callable[[Frame], None],
        hang_up: Callable[[], None],
    ) -> None:
        self._guard, self._owner, self._draw = guard, guard.owner, guard.draw
        self._now, self._out, self._tell, self.hang_up = now, ask, tell, hang_up
        self._asked: set[int] = set()
        """The messages that wait for an answer."""
        self.ends_at: datetime | None = None
        """When the watch waits no longer for its digits; None while it shows none."""
        self.is_over = False
        """Whether the host is who it says, and all that follows is sealed."""
        self._passkey = bytes(16)
        self._random = self._their_confirm = self._their_random = b""
        self._offered = Owner()
        self._share = self._session = self._mark = self._their_mark = b""
        self._sent = self._heard = 0

    def _ask(self, frame: Frame) -> None:
        self._asked.add(frame.kind)
        self._out(frame)

    def begin(self) -> None:
        """Ask which cipher the host knows, and whether it has a key."""
        self._ask(Frame(Kind.AUTHENTICATION, NEGOTIATION))

    # ------------------------------------------------------------------ what the host asks

    def hear(self, frame: Frame) -> bool:
        """Answer a message of the login, and return whether it was one."""
        if self.is_over:
            return False
        answer: dict[int, Callable[[Frame], None]] = {
            Kind.AUTHENTICATION: self._begun_anew,
            Kind.RECONNECT: self._reconnect,
            Kind.CONFIRM: self._confirm,
            Kind.RANDOM: self._exchange,
            Kind.PAIRING_STATUS: self._status,
        }
        if frame.kind in answer:
            answer[frame.kind](frame)
        return frame.kind in answer

    def _begun_anew(self, frame: Frame) -> None:
        known = bool(self._owner.key)
        self._tell(answered(frame, rest=struct.pack("<BBI", 0, known, 1)))
        self._pair()

    def _reconnect(self, frame: Frame) -> None:
        is_known = bool(self._owner.key) and frame.payload == self._owner.name
        self._tell(answered(frame, rest=bytes([not is_known])))
        if is_known:
            self._ask_share()

    def _pair(self) -> None:
        self._asked.clear()
        if self._guard.mode == DIGITS:
            digits = int.from_bytes(self._draw(4), "little") % 1_000_000
            self._passkey, self.ends_at = digits.to_bytes(16, "little"), self._now() + timedelta(seconds=WAITS_S)
            self._guard.show(f"{digits:06}")
        self._ask(Frame(Kind.PAIRING, struct.pack("<BHHB", 0, WAITS_S, 0, self._guard.mode)))

    def _confirm(self, frame: Frame) -> None:
        self._their_confirm, self._random, self.ends_at = frame.payload, self._draw(16), None
        self._tell(answered(frame, rest=b"\0" + commitment(self._passkey, self._random, self._guard.address)))

    def _exchange(self, frame: Frame) -> None:
        self._their_random = frame.payload
        is_right = len(frame.payload) == len(self._random) == 16 and (
            self._guard.believes or commitment(self._passkey, frame.payload, self._guard.address) == self._their_confirm
        )
        self._tell(answered(frame, rest=b"\0" + self._random if is_right else b"\2"))
        if not is_right:
            self._random = b""  # each proof has a number of its own

    def _status(self, frame: Frame) -> None:
        self._tell(answered(frame))
        if frame.payload[:1] != b"\0" or not self._random:
            self.hang_up()
            return
        short = crypted(self._their_random[:8] + self._random[:8], self._passkey)
        self._random = b""
        self._offered = Owner(self._draw(16), self._draw(10))
        held = self._offered.key + self._offered.name + self._draw(6)
        self._ask(Frame(Kind.LONG_TERM_KEY, b"\0" + crypted(held, short)))

    # ------------------------------------------------------------------ what the host answers

    def answered(self, answer: Answer) -> None:
        """Take the answer to a message of the login that was asked, and ask on."""
        if answer.kind not in self._asked:
            return
        self._asked.discard(answer.kind)
        if answer.kind == Kind.PAIRING:
            if answer.rest[:2] != GOES_ON:
                self.hang_up()
        elif answer.kind == Kind.SECURE_SESSION:
            self._secured(answer.rest)
        elif answer.status == Said.ACK and answer.rest[:1] == b"\0":
            self._taken(answer.kind, answer.rest[1:])

    def _taken(self, kind: int, rest: bytes) -> None:
        if kind == Kind.AUTHENTICATION:
            if rest[:1] == b"\0":
                self._pair()
        elif kind == Kind.LONG_TERM_KEY:
            self._owner.key, self._owner.name = self._offered.key, self._offered.name
            self._ask_share()
        elif kind == Kind.SESSION_KEY:
            if len(rest) == len(self._share):
                self._ask_verification(rest)
        elif kind == Kind.VERIFICATION:
            self._mark = self._draw(4)
            held = bytes([SELECTOR]) + bytes(7) + self._mark + self._draw(4)
            self._ask(Frame(Kind.SECURE_SESSION, crypted(held, self._session)))

    def _ask_share(self) -> None:
        self._share = self._draw(8)
        self._ask(Frame(Kind.SESSION_KEY, self._share))

    def _ask_verification(self, theirs: bytes) -> None:
        self._session = crypted(self._share + theirs, self._owner.key)
        held = crypted(self._session + self._draw(8), self._session)
        self._ask(Frame(Kind.VERIFICATION, b"\0" + held))

    def _secured(self, rest: bytes) -> None:
        plain = crypted(rest, self._session, back=True) if len(rest) == 16 else b""
        if plain[:8] == bytes([SELECTOR]) + bytes(7):
            self._their_mark, self.is_over = plain[8:12], True
        else:
            self.hang_up()

    # ------------------------------------------------------------------ the seal

    def sealed(self, frame: bytes) -> bytes:
        """Return a frame as it is sent now."""
        if not self.is_over:
            return frame
        body = struct.pack("<I4s", self._sent, self._mark) + frame
        self._sent += 1
        body = crypted(body + bytes(4 - len(body) % 4), self._session)
        return struct.pack("<H", len(body) + 2) + body

    def opened(self, data: bytes) -> bytes:
        """Return the frame that came. Raises `MalformedPacket` if it is not under the seal that it should be under."""
        if not self.is_over:
            return data
        body = crypted(data[2:], self._session, back=True)
        counter, mark, size = struct.unpack_from("<I4sH", body.ljust(_FRAME_AT + 2, b"\0"))
        padding = len(body) - _FRAME_AT - size
        if len(data) != int.from_bytes(data[:2], "little") or mark != self._their_mark or counter < self._heard:
            raise MalformedPacket("not under the host's seal", data)
        if not 1 <= padding <= 4 or any(body[_FRAME_AT + size :]):
            raise MalformedPacket("not padded by one to four zeros", data)
        self._heard = counter
        return body[_FRAME_AT : _FRAME_AT + size]
