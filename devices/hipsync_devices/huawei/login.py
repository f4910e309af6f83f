"""How a connection begins: the link's parameters, and the login that the band chooses.

::

    > 01/01                        < sizes, the band's nonce, the kind of login
    > 01/33  who we are            < the way: HiChain or lite                        kinds 1 to 4 only
    > 01/2C                        < the PIN, once the wearer has tapped yes         the first HiChain, and lite
    > 01/28  ...                   < ...                                             HiChain: see `hichain`
    > 01/13  our proof             < the band's proof                                classic and lite
    > 01/0F                        < whether we are bonded
    > 01/0E  our key, encrypted    < taken

Whatever the band will depend on is kept (`Session.keep`) before the band gets it, so that a pairing that is killed at
any instant can be done again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from hmac import compare_digest

from hipsync.driver import Session
from hipsync.errors import MalformedPacket, NoReply, NotAuthorised, UnexpectedReply
from hipsync_devices import gatt
from hipsync_devices.huawei import hichain, packets, proofs
from hipsync_devices.huawei.channel import ANSWER_WITHIN, Channel
from hipsync_devices.huawei.ciphers import Cipher, Vectors
from hipsync_devices.huawei.hichain import Answer, Answered, Begun
from hipsync_devices.huawei.keys import KEY_BYTES, Keys
from hipsync_devices.huawei.models import AW, model_in
from hipsync_devices.huawei.packets import Bonded, LinkParameters
from hipsync_devices.huawei.proofs import Proof
from hipsync_devices.huawei.tlv import Fields

TAP_WITHIN = timedelta(seconds=90)
"""How long the wearer has for the tap; a band shows its question for 30 s, and a public client waits for 90 s."""
PHONE = "hipsync"
"""What a band may call this computer."""
NOT_PAIRED = "hipsync is not paired with this band: pair it first"
FORGOTTEN = "the band does not know this computer any more: it was reset, or paired with another phone; pair it again"
NO_TAP = (
    "nobody tapped yes on the band in time: try again, and tap it when it asks; if it does not ask, release it from "
    "its phone first"
)
NOT_RELEASED = "the band does not answer: if it belongs to a phone, release it there first, then pair it again"
NO_PROOF = "what answers at the band's address has no proof that it is the band: pair it again"


@dataclass(slots=True)
class Login:
    """The login over one channel. Once `log_in` has returned, the channel seals its messages."""

    channel: Channel
    session: Session
    keys: Keys
    is_new: bool = False
    """Whether the band has just met hipsync for the first time by HiChain, and now waits to be set up."""

    @classmethod
    async def of(cls, channel: Channel, session: Session) -> Login:
        """Take up what was kept for the band; when pairing one for which nothing was, draw a key and keep it.

        Raises `NotAuthorised` if there is nothing, and `DeviceError` if it cannot be read or kept.
        """
        if session.secret is not None:
            return cls(channel, session, Keys.of(session.secret))
        if not session.pairing:
            raise NotAuthorised(NOT_PAIRED)
        login = cls(channel, session, Keys.of(channel.random(KEY_BYTES)))
        await session.keep(login.keys.encode())
        return login

    async def log_in(self) -> None:
        """Log in, in the way that the band chooses.

        Raises `NotAuthorised` if either end does not accept the other, or if the wearer did not confirm, and
        `DeviceError` for any other failure.
        """
        try:
            await self._log_in()
        except NoReply as error:
            if not self.session.pairing:
                raise
            raise NoReply(NOT_RELEASED) from error

    async def _log_in(self) -> None:
        is_aw = model_in(self.session.name) in AW
        asked = packets.ASK_LINK_AW if is_aw else packets.ASK_LINK
        link = LinkParameters.decode(await self.channel.order(packets.LINK, asked))
        self.channel.use(link)
        if is_aw:
            await gatt.courtesy(self.channel.ask(packets.DEVICE_STATUS, packets.ASK))
        if not link.negotiates:
            await self._classic(link)
            return
        body = packets.negotiation(link, self.keys.identity, PHONE)
        way = packets.negotiated(await self.channel.ask(packets.NEGOTIATION, body))
        if way in packets.HICHAINS:
            await self._hichain(link, way)
        elif way in packets.LITES:
            await self._lite(link)
        else:
            raise UnexpectedReply(f"the band wants a login that nobody has described: {way}")

    # -------------------------------------------------------------- HiChain

    async def _hichain(self, link: LinkParameters, way: int) -> None:
        if way == packets.FIRST_MEETING:
            await self._bind(link)
        try:
            key = await self._authenticated()
        except NotAuthorised:
            if self.is_new or not self.session.pairing:
                raise
            await self._bind(link)  # it knows an older token of ours: the pairing before was killed
            key = await self._authenticated()
        self.channel.cipher, self.channel.vectors = Cipher(key, link.gcm), self._vectors(link, 0)

    async def _bind(self, link: LinkParameters) -> None:
        """Meet the band for the first time, and keep its token. Raises `NotAuthorised` unless pairing."""
        if not self.session.pairing:
            raise NotAuthorised(FORGOTTEN)
        self.session.tap()
        root = hichain.root_of(await self._pin(link, within=TAP_WITHIN))
        made = await self._greeted(hichain.BIND, root, within=TAP_WITHIN)
        challenge, random = self.channel.random(hichain.SALT_BYTES), self.channel.random
        answer = await self._step(made.exchange(challenge, random(hichain.NONCE_BYTES)))
        self.keys = replace(self.keys, token=made.token_in(answer, challenge))
        await self.session.keep(self.keys.encode())
        await self._end(made)
        self.is_new = True

    async def _pin(self, link: LinkParameters, within: timedelta) -> bytes:
        try:
            answer = await self.channel.ask(packets.PIN, packets.ASK, within=within, tries=1)
        except NoReply as error:
            raise NotAuthorised(NO_TAP) from error
        if packets.result_of(answer) is not None:
            raise NotAuthorised(
                "the band refuses to be paired: reset it, or release it in the maker's app, and try again"
            )
        told = Fields.decode(answer)
        return proofs.pin_of(link.version, told.value(0x01), told.value(0x02), gcm=link.method == 1)

    async def _authenticated(self) -> bytes:
        """Prove with the token who we are, and return the key of this connection's messages."""
        made = await self._greeted(hichain.AUTHENTICATE, self.keys.token)
        await self._end(made)
        return made.traffic

    async def _greeted(self, operation: int, root: bytes, within: timedelta = ANSWER_WITHIN) -> Answered:
        """Go through the first two steps of an operation, in which each end proves itself to the other."""
        channel = self.channel
        begun = Begun(
            operation,
            int(channel.link.now().timestamp() * 1000),
            self.keys.identity,
            root,
            channel.random(hichain.SALT_BYTES),
            channel.random(hichain.SEED_BYTES),
        )
        made = Answered.of(begun, await self._step(begun.greeting(), within))
        made.judge(await self._step(made.proof()))
        return made

    async def _end(self, made: Answered) -> None:
        answer = await self._step(made.result(self.channel.random(hichain.NONCE_BYTES)))
        if answer.ended != made.begun.operation:
            raise UnexpectedReply("the band did not end the login")

    async def _step(self, body: bytes, within: timedelta = ANSWER_WITHIN) -> Answer:
        """Send a message of HiChain and return its answer. A band that answers with a result refuses us."""
        said = await self.channel.ask(packets.HICHAIN, body, within=within, tries=1)
        if packets.result_of(said) is not None:
            raise NotAuthorised(FORGOTTEN)
        return Answer.decode(said)

    # -------------------------------------------------------------- classic, lite

    async def _classic(self, link: LinkParameters) -> None:
        nonce = self.channel.random(packets.NONCE_BYTES)
        nonces = link.nonce + nonce
        ours = proofs.classic(link.version, proofs.challenge_of(link.version), nonces)
        await self._proven(link, nonce, ours, proofs.classic(link.version, proofs.ANSWER, nonces), None)
        bonded = await self._bonded()
        vectors = self._vectors(link, bonded.last_count)
        if not bonded.is_bonded:
            key = proofs.address_key(link.version, self.session.need_address().upper())
            await self._bond(Cipher(key, link.method == 1), vectors)
        self.channel.cipher, self.channel.vectors = Cipher(self.keys.session, link.gcm), vectors

    async def _lite(self, link: LinkParameters) -> None:
        nonce = self.channel.random(packets.NONCE_BYTES)
        nonces = link.nonce + nonce
        words = proofs.CHALLENGE, proofs.ANSWER
        if link.version == proofs.MIDDLE:
            ours, theirs = (proofs.lite_by_key(self.keys.session, word, nonces) for word in words)
        else:
            pin = await self._pin(link, within=ANSWER_WITHIN)
            ours, theirs = (proofs.lite(link.version, word, nonces, pin, link.algorithm) for word in words)
        await self._proven(link, nonce, ours, theirs, link.algorithm)
        vectors = self._vectors(link, (await self._bonded()).last_count)
        await self._bond(Cipher(ours.inner[:16], link.method == 1), vectors)
        self.channel.cipher, self.channel.vectors = Cipher(self.keys.session, link.gcm), vectors

    async def _proven(
        self, link: LinkParameters, nonce: bytes, ours: Proof, theirs: Proof, algorithm: int | None
    ) -> None:
        body = packets.auth(link.version, ours.digest, nonce, algorithm)
        answer = await self.channel.ask(packets.AUTH, body)
        if packets.result_of(answer) is not None:
            raise NotAuthorised("the band does not accept our proof: pair it again")
        if not compare_digest(Fields.decode(answer).value(0x01), theirs.digest):
            raise NotAuthorised(NO_PROOF)

    async def _bonded(self) -> Bonded:
        body = packets.bond_parameters(self.keys.serial, self.keys.phone)
        return Bonded.decode(await self.channel.order(packets.BOND_PARAMETERS, body))

    async def _bond(self, cipher: Cipher, vectors: Vectors) -> None:
        """Hand our key to the band. It was kept when it was drawn."""
        iv = vectors.next()
        body = packets.bond(self.keys.serial, cipher.encrypted(iv, self.keys.session), iv)
        answer = await self.channel.ask(packets.BOND, body)
        if packets.result_of(answer) not in {None, packets.OK}:
            raise NotAuthorised("the band does not take our key: release it in the maker's app, and pair it again")
        if packets.result_of(answer) is None and Fields.decode(answer).number(0x02, 0) != 1:
            raise MalformedPacket("not an answer to a bond", answer)

    def _vectors(self, link: LinkParameters, last_count: int) -> Vectors:
        """Return the initialisation vectors of this connection: with a counter, unless the band has HiChain3."""
        return Vectors(self.channel.random, None if link.kind == packets.HICHAIN_3 else last_count)
