"""The classic login, which continues with the newer one where the firmware demands it, and the waiting for answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hipsync.driver import Link, Session
from hipsync.errors import DeviceError, NoReply, NotAuthorised, UnexpectedReply
from hipsync_devices.huami import packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.channel import Channel
from hipsync_devices.huami.models import Model, model_on
from hipsync_devices.huami.packets import Reply

TAP_WITHIN = timedelta(seconds=35)
"""How long to wait until the wearer taps the band; the band asks for a tap for about 30 s."""
REPLY_WITHIN = timedelta(seconds=10)
"""How long to wait for a packet or an answer; one patient public client waits as long."""


def key_of(session: Session) -> bytes:
    """Return the band's key. Raises `NotAuthorised` if it is missing."""
    if session.secret is None:
        raise NotAuthorised("the band's key is missing: give it with `hipsync bands key`")
    return session.secret


async def authenticate(link: Link, session: Session, channel: Channel) -> None:
    """Prove to the band that we know its key; when pairing a band that takes a key of ours, store the key on it first.

    If newer firmware refuses the classic login, the newer one follows over `channel`. Raises `NotAuthorised` if the key
    is missing or wrong or nobody tapped the band, and `DeviceError` for any other failure.
    """
    if not link.has(packets.AUTHENTICATION):
        raise DeviceError(what_else(link))
    key, model = key_of(session), model_on(link, session.name)
    await link.subscribe(packets.AUTHENTICATION)
    if session.pairing and model.secret == "own":  # noqa: S105  a kind of secret, not one
        await _store_key(link, model, key, session.tap)
    status = await _prove(link, model, key)
    await link.unsubscribe(packets.AUTHENTICATION)
    if status == packets.AUTH_NEEDS_2021 and model.login == "either" and Channel.on(link):
        await channel.log_in(key)
    else:
        _judge(status)


def what_else(link: Link) -> str:
    """Return what a device without a login of this family is, as one line."""
    if link.has(packets.FIRST_GENERATION):
        return "this is a Mi Band of the first generation, with another protocol: hipsync cannot read it"
    if link.has(packets.XIAOMI_V1) or link.has(packets.XIAOMI_V2):
        return "this band speaks Xiaomi's own protocol, not that of the Mi Bands up to 7: this driver cannot read it"
    return "the band has no login of the kind that this driver speaks: it is another model, which hipsync cannot read"


async def _prove(link: Link, model: Model, key: bytes) -> int:
    """Ask the band for a challenge, send the proof and return the status of the band's answer.

    Raises `NotAuthorised` if the band has no key, and `UnexpectedReply` if it sends no challenge.
    """
    request = bytes([packets.ASK_CHALLENGE | model.crypt, model.flag])
    await link.write(packets.AUTHENTICATION, request + (b"\x02\x01\x00" if model.crypt else b""))
    reply = await reply_to(link, packets.AUTHENTICATION, packets.ASK_CHALLENGE)
    if reply.status == packets.AUTH_NO_KEY:
        raise NotAuthorised("the band holds no key: pair it first (with the maker's app, or `hipsync pair` and a tap)")
    if reply.status != packets.SUCCESS or len(reply.payload) != 16:
        raise UnexpectedReply(f"the band gave no challenge: status {reply.status}, {len(reply.payload)} bytes")
    proof = bytes([packets.ANSWER_CHALLENGE | model.crypt, model.flag]) + answer(key, reply.payload)
    await link.write(packets.AUTHENTICATION, proof)
    return (await reply_to(link, packets.AUTHENTICATION, packets.ANSWER_CHALLENGE)).status


async def _store_key(link: Link, model: Model, key: bytes, tap: Callable[[], None]) -> None:
    await link.write(packets.AUTHENTICATION, bytes([packets.STORE_KEY, model.flag]) + key)
    tap()
    try:
        reply = await reply_to(link, packets.AUTHENTICATION, packets.STORE_KEY, within=TAP_WITHIN)
    except NoReply as error:
        raise NotAuthorised("nobody tapped the band in time: try again, and tap it when it vibrates") from error
    if reply.status not in {packets.SUCCESS, packets.AUTH_INITIALISED}:  # one public client accepts the second one too
        raise NotAuthorised(
            f"the band did not take a key (status {reply.status}): nobody tapped it in time, or it only takes the "
            "key of its maker's app (give that with --key-file)"
        )


def _judge(status: int) -> None:
    match status:
        case packets.SUCCESS:
            return
        case packets.AUTH_NO_KEY | packets.AUTH_WRONG_KEY:
            raise NotAuthorised(
                "wrong key: the band was paired anew since; give its key of now (`hipsync bands key`), "
                "or pair it again if it takes ours (`hipsync pair`)"
            )
        case packets.AUTH_NEEDS_2021:
            raise NotAuthorised("this band's firmware needs the newer login of Huami, which this driver does not speak")
        case _:
            raise UnexpectedReply(f"the band refused the login with status {status}")


async def reply_to(
    link: Link, characteristic: str, operation: int, or_else: Reply | None = None, within: timedelta = REPLY_WITHIN
) -> Reply:
    """Wait for the next answer to an operation, or for the answer `or_else`, and return it.

    Answers to other operations are ignored: they come late. Raises `NoReply` if none comes `within` this time.
    """
    until = link.now() + within
    while True:
        received = await link.notification(characteristic, timeout=max(until - link.now(), timedelta(0)))
        reply = Reply.decode(received.data)
        if reply.operation == operation or reply == or_else:
            return reply
