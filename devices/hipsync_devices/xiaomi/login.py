"""The login: both sides prove that they know the band's key, and agree on keys for this connection.

::

    > 1/26  3{30{1 phone's nonce}}               < 1/26  3{31{1 band's nonce, 2 its proof}}
    > 1/27  3{32{1 our proof, 2 who we are}}     < 1/27  3{33{1: 1}}

The band proves itself first. If its proof is wrong, so is the key, and nothing more is sent: our proof would tell a
stranger nothing, but a band that was paired anew would refuse it and hang up. Instead of an answer there may be an
error in 3{3}. All of it is unencrypted.

Source: Gadgetbridge, AstroBox and others, run for `tests/vectors/xiaomi.json` (areas kdf and login); the errors are
AstroBox' names, 4 is recorded.
"""

from __future__ import annotations

from hipsync.errors import MalformedPacket, NotAuthorised, UnexpectedReply
from hipsync_devices.xiaomi import packets
from hipsync_devices.xiaomi import protobuf as pb
from hipsync_devices.xiaomi.cipher import NONCE, PROOF, Keys
from hipsync_devices.xiaomi.packets import ACCOUNT, Message

CAPABILITIES = 224
"""What Gadgetbridge says that a phone can do."""
SYSTEM_VERSION = 15.0
NO_BOND, VERIFY_ERROR, CONNECTION_REACH_LIMIT = 4, 7, 10
WRONG_KEY = (
    "wrong key: the band was paired anew with Mi Fitness since, or the key has a slip; give its key of now with "
    "`hipsync bands key`"
)
REASONS = {
    NO_BOND: "the band has no owner: pair it with Mi Fitness first, and then give hipsync its new key",
    VERIFY_ERROR: WRONG_KEY,
    CONNECTION_REACH_LIMIT: "another phone is connected to the band: switch that phone's Bluetooth off",
}


def encode_nonce(nonce: bytes) -> bytes:
    """Return 1/26 with our random number of 16 bytes."""
    return packets.encode(packets.NONCE, pb.message(ACCOUNT, (pb.message(30, (pb.blob(1, nonce),)),)))


def agreed(key: bytes, nonce: bytes, message: Message) -> Keys:
    """Return the keys of this connection from the band's answer to our nonce, once it has proven that it knows the key.

    Raises `NotAuthorised` if it has not, or wants no login, and `MalformedPacket`.
    """
    _judge(message)
    said = message.fields.at(ACCOUNT, 31)
    theirs, proof = said.blob(1) or b"", said.blob(2) or b""
    if len(theirs) != NONCE or len(proof) != PROOF:
        raise MalformedPacket("no answer to a login", theirs + proof)
    keys = Keys.agreed(key, nonce, theirs)
    if not keys.proves(proof):
        raise NotAuthorised(WRONG_KEY)
    return keys


def encode_confirm(keys: Keys, device_type: int) -> bytes:
    """Return 1/27 with our proof, and who we are: {1 type, 2 version as a float, 3 name, 4 capabilities, 5 region}.

    That is encrypted by CCM with a counter of 0, in both generations.
    """
    companion = (
        pb.number(1, device_type) + pb.float32(2, SYSTEM_VERSION) + pb.blob(3, "hipsync")
        + pb.number(4, CAPABILITIES) + pb.blob(5, "US")
    )  # fmt: skip
    parts = pb.blob(1, keys.proof), pb.blob(2, keys.seal_v1(0, companion))
    return packets.encode(packets.CONFIRM, pb.message(ACCOUNT, (pb.message(32, parts),)))


def confirmed(message: Message) -> None:
    """Raise `NotAuthorised` or `UnexpectedReply` unless the answer to our proof is a yes.

    A Smart Band 8 may answer with nothing that tells, which is a yes.
    """
    _judge(message)
    if message.fields.at(ACCOUNT, 33).number(1) == 0:
        raise NotAuthorised(
            "the band does not confirm the login: pair it with Mi Fitness, and give hipsync its new key"
        )


def _judge(message: Message) -> None:
    """Raise what an error in an answer means: `NotAuthorised` if its wearer can mend it, else `UnexpectedReply`."""
    code = message.fields.at(ACCOUNT).number(3) or 0
    if code in REASONS:
        raise NotAuthorised(REASONS[code])
    if code or message.error:
        raise UnexpectedReply(f"the band refuses the login with error {code or message.error}")
