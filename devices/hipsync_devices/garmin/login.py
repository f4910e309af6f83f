"""Garmin's own login, as the host takes part in it: what the watch sends in, and what is to be done about it out.

A watch asks for it over a link without a bond, once it has said who it is::

    < 5101  > 5102, if a key is kept           > 5101 < 5103 instead, if the watch does not know that key
            < 5103  > 5104  > 5105  > 5106     the digits on its screen, or none, prove both sides to each other
            < 5107                             the long-term key, which is kept before the watch stores it
    < 5108  < 5109  < 5111                     the key of this connection; GFDI is sealed from then on

Live steps and heart rate do not go over GFDI, and are not sealed. A watch with a bond asks 5101 at most, and is
answered as one without a key that is kept. One that claims the key, or is being paired, must come to the seal. This
module waits for nothing and sends nothing; `GarminDialogue` does as each `Step` says. The one rule: no error tells a
byte of a key. Source: as for `authentication`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hmac import compare_digest

from hipsync.driver import Session
from hipsync.errors import DeviceError, NotAuthorised, UnexpectedReply
from hipsync_devices.garmin import authentication, cipher, gfdi
from hipsync_devices.garmin.authentication import Begin, LongTerm, Mode, Secure
from hipsync_devices.garmin.cipher import Seal
from hipsync_devices.garmin.gfdi import Answer, Frame, Kind, Said

KINDS = frozenset(
    {
        Kind.AUTHENTICATION, Kind.PAIRING, Kind.LONG_TERM_KEY, Kind.SESSION_KEY, Kind.VERIFICATION, Kind.SECURE_SESSION,
        Kind.OUT_OF_BAND,
    }
)  # fmt: skip
"""The messages of the login that a watch sends."""
ASKED = frozenset({Kind.AUTHENTICATION, Kind.RECONNECT, Kind.CONFIRM, Kind.RANDOM, Kind.PAIRING_STATUS})
"""The messages of the login that the host sends, and whose answers are the login's."""
NOT_PAIRED = "the watch wants to be paired with this computer: open its pairing screen, and pair it again"
FORGOTTEN = "the watch does not know this computer any more: open its pairing screen, and pair it again"
NOBODY_TYPED = "the watch shows digits, and nobody typed them: pair it again in a terminal or on the page"
WRONG_DIGITS = "the watch did not take the digits: pair it again, with those that it shows then"
NO_PROOF = (
    "what answers at the watch's address has not shown that it knows the digits: nothing of it was taken; pair it again"
)
NO_KEY = "what answers at the watch's address does not know the watch's key: nothing of it was taken; pair it again"
KEY_IS_KEPT = (
    "the watch wants to be paired without digits, and a key of it is kept: end that with `hipsync bands forget` first"
)
BY_ANOTHER_WAY = "the watch wants its pairing key handed over by another way than digits, which hipsync does not know"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done, in this order."""

    frames: Sequence[Frame] = ()
    keep: bytes | None = field(default=None, repr=False)
    """What must be on disk before the frames are sent."""
    seal: Seal | None = None
    """What seals everything after the frames."""
    asks: bool = False
    """Whether the digits are wanted that the watch shows; see `Login.typed`."""
    error: DeviceError | None = None
    """What ends the login."""
    blame: DeviceError | None = None
    """Why it is, if the watch ends the connection now."""


@dataclass(slots=True)
class Exchange:
    """The proof of both sides, by a passkey."""

    passkey: bytes = field(repr=False)
    random: bytes = field(repr=False)
    confirm: bytes
    theirs: bytes = b""
    """What the watch has confirmed."""


class Login:
    """The login of one connection; `begin` makes it new when the watch opens GFDI once more."""

    def __init__(self, session: Session, random: Callable[[int], bytes]) -> None:
        self._session, self._random = session, random
        self._long_term = LongTerm.kept(session.secret)
        self.within = timedelta()
        """How long the watch waits for its digits."""
        self.has_begun = False
        """Whether the watch has sent any message of the login."""
        self._begins = 0
        """How many times the watch has begun to be paired by digits."""
        self._claims_key = False
        """Whether the watch has said in this connection that it has our key, or takes one."""
        self.begin()

    def begin(self) -> None:
        """Forget everything but the long-term key, and whether the watch has claimed to have it."""
        self._awaited: int | None = None
        self.wanted: int | None = None
        """Which beginning waits for its digits; see `typed`."""
        self._exchange: Exchange | None = None
        self._short_term_key: bytes | None = None
        self._shares = b"", b""
        self._session_key: bytes | None = None
        self._is_verified = False

    def wants_sealed(self, frame: Frame) -> bool:
        """Return whether a message may not be in plain: the watch claims our key, and it is more than who it is.

        Raises `MalformedPacket`.
        """
        if not self._claims_key or frame.kind in KINDS | {Kind.DEVICE_INFORMATION}:
            return False
        return frame.kind != Kind.ANSWER or Answer.decode(frame.payload).kind not in ASKED

    def must_seal(self, frame: Frame) -> bool:
        """Return whether a message may not be sent in plain, because the watch claims our key."""
        return self._claims_key and frame.kind not in ASKED | {Kind.ANSWER}

    # ------------------------------------------------------------------ what the watch asks

    def hear(self, frame: Frame) -> Step:
        """Take a message of `KINDS`. Raises `MalformedPacket`, and `DeviceError` if the address is not known.

        Where no key is kept and nobody pairs, all but the first is not supported, as over a bond.
        """
        self.has_begun = True
        if frame.kind != Kind.AUTHENTICATION and self._long_term is None and not self._session.pairing:
            return Step([gfdi.answered(frame, Said.UNSUPPORTED)], blame=NotAuthorised(NOT_PAIRED))
        answer: dict[int, Callable[[Frame], Step]] = {
            Kind.AUTHENTICATION: self._negotiated,
            Kind.PAIRING: self._begun,
            Kind.LONG_TERM_KEY: self._handed_over,
            Kind.SESSION_KEY: self._shared,
            Kind.VERIFICATION: self._verified,
            Kind.SECURE_SESSION: self._secured,
        }
        return answer.get(frame.kind, _refused)(frame)

    def _negotiated(self, frame: Frame) -> Step:
        knows_cipher = authentication.algorithms(frame.payload) & authentication.XXTEA
        self.begin()
        if self._long_term is None or not knows_cipher:
            return Step([gfdi.answered(frame, rest=gfdi.authenticated(frame.payload))])
        self._awaited = Kind.RECONNECT
        known = gfdi.answered(frame, rest=authentication.HAS_KEY)
        return Step([known, Frame(Kind.RECONNECT, self._long_term.name)])

    def _begun(self, frame: Frame) -> Step:
        begin = Begin.decode(frame.payload)
        if not self._session.pairing:
            return Step(error=NotAuthorised(NOT_PAIRED))
        self.begin()
        if begin.mode not in {Mode.DIGITS, Mode.JUST_WORKS}:
            return _cannot(frame, begin, BY_ANOTHER_WAY)
        if begin.mode == Mode.JUST_WORKS and self._long_term is not None and self._session.since:
            return _cannot(frame, begin, KEY_IS_KEPT)  # anybody could take the place of a watch that was read
        self._session.need_address()
        self._claims_key = True
        goes_on = gfdi.answered(frame, rest=authentication.GOES_ON)
        if begin.mode == Mode.JUST_WORKS:
            return Step([goes_on, self._confirmed(cipher.JUST_WORKS)])
        self._begins += 1
        self.wanted, self.within = self._begins, begin.within
        return Step([goes_on], asks=True)

    def _handed_over(self, frame: Frame) -> Step:
        if self._short_term_key is None:
            return Step([gfdi.answered(frame, rest=authentication.NO_KEY)])
        self._long_term, self._short_term_key = LongTerm.decode(frame.payload, self._short_term_key), None
        self._shares, self._session_key, self._is_verified = (b"", b""), None, False
        return Step([gfdi.answered(frame, rest=authentication.TAKEN)], keep=self._long_term.encode())

    def _shared(self, frame: Frame) -> Step:
        if self._long_term is None:
            return Step([gfdi.answered(frame, rest=authentication.NO_KEY)])
        theirs = authentication.share(frame.payload)
        self._claims_key = True
        if theirs != self._shares[0]:  # a watch that asks again is told the same
            ours = self._random(authentication.SHARE_BYTES)
            self._shares, self._is_verified = (theirs, ours), False
            self._session_key = cipher.session_key(self._long_term.key, theirs, ours)
        return Step([gfdi.answered(frame, rest=authentication.TAKEN + self._shares[1])])

    def _verified(self, frame: Frame) -> Step:
        if self._session_key is None:
            return Step([gfdi.answered(frame, rest=authentication.NO_KEY)])
        if not compare_digest(authentication.verified(frame.payload, self._session_key), self._session_key):
            return Step([gfdi.answered(frame, rest=authentication.WRONG)], error=NotAuthorised(NO_KEY))
        self._is_verified = True
        return Step([gfdi.answered(frame, rest=authentication.TAKEN)])

    def _secured(self, frame: Frame) -> Step:
        if self._session_key is None or not self._is_verified:
            return Step([gfdi.answered(frame, Said.UNSUPPORTED)])
        theirs = Secure.decode(frame.payload, self._session_key)
        ours = Secure(theirs.selector, self._random(authentication.IV_BYTES))
        rest = ours.encode(self._session_key, self._random(authentication.IV_BYTES))
        return Step([gfdi.answered(frame, rest=rest)], seal=Seal(self._session_key, ours.iv, theirs.iv))

    # ------------------------------------------------------------------ what the host asks

    def typed(self, digits: int | None, wanted: int) -> Step:
        """Take the digits that the person has typed for this beginning, or None if nobody did."""
        if self.wanted != wanted:
            return Step()  # the watch has begun anew meanwhile
        self.wanted = None
        if digits is None:
            return Step(error=NotAuthorised(NOBODY_TYPED))
        return Step([self._confirmed(cipher.passkey(digits))])

    def _confirmed(self, passkey: bytes) -> Frame:
        random = self._random(authentication.RANDOM_BYTES)
        confirm = cipher.confirm(passkey, random, self._session.need_address())
        self._exchange, self._awaited = Exchange(passkey, random, confirm), Kind.CONFIRM
        return Frame(Kind.CONFIRM, confirm)

    def answered(self, answer: Answer) -> Step:
        """Take the answer to a message of `ASKED`; one that nobody waits for is nothing. Raises `MalformedPacket`."""
        if answer.kind != self._awaited:
            return Step()
        self._awaited = None
        if answer.kind == Kind.RECONNECT:
            return self._reconnected(answer)
        if answer.kind == Kind.AUTHENTICATION:
            return Step(error=None if authentication.is_taken(answer) else UnexpectedReply(FORGOTTEN))
        if self._exchange is None:
            return Step()
        if answer.kind == Kind.CONFIRM:
            return self._other_confirmed(self._exchange, authentication.value(answer))
        return self._exchanged(self._exchange, answer)

    def _reconnected(self, answer: Answer) -> Step:
        """Go on with the key that was kept; or pair anew if the watch does not know it."""
        if answer.status != Said.ACK:
            return Step()  # a watch with a bond does not know the question
        if authentication.is_taken(answer):
            self._claims_key = True
            return Step()
        if not self._session.pairing:
            return Step(error=NotAuthorised(FORGOTTEN))
        self._awaited = Kind.AUTHENTICATION
        return Step([Frame(Kind.AUTHENTICATION, authentication.NEGOTIATION)])

    def _other_confirmed(self, exchange: Exchange, theirs: bytes) -> Step:
        if theirs == exchange.confirm:
            return Step(error=NotAuthorised(NO_PROOF))  # our own, which proves nothing
        exchange.theirs, self._awaited = theirs, Kind.RANDOM
        return Step([Frame(Kind.RANDOM, exchange.random)])

    def _exchanged(self, exchange: Exchange, answer: Answer) -> Step:
        self._exchange = None
        if answer.status == Said.ACK and answer.rest[:1] == bytes([authentication.WRONG_CONFIRM]):
            return Step(error=NotAuthorised(WRONG_DIGITS))
        theirs = authentication.value(answer)
        proof = cipher.confirm(exchange.passkey, theirs, self._session.need_address())
        if not compare_digest(proof, exchange.theirs):
            return Step([Frame(Kind.PAIRING_STATUS, authentication.REFUSED)], error=NotAuthorised(NO_PROOF))
        self._short_term_key = cipher.short_term_key(exchange.passkey, exchange.random, theirs)
        return Step([Frame(Kind.PAIRING_STATUS, authentication.TAKEN)])


def _cannot(frame: Frame, begin: Begin, why: str) -> Step:
    """Pair not in this mode."""
    return Step([gfdi.answered(frame, rest=bytes([0, begin.mode]))], error=NotAuthorised(why))


def _refused(frame: Frame) -> Step:
    """Take no passkey by another way."""
    return Step([gfdi.answered(frame, rest=authentication.REFUSED)])
