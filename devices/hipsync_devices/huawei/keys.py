"""What hipsync keeps of a band, from its first meeting on: who we are to it, and the keys that were agreed on.

All of it follows from 16 bytes that are drawn for a band, but for the token of HiChain. What is kept (`Session.keep`)
is longer than these, and has the form of fields, to which a later version can add one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hipsync.errors import MalformedPacket
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.ciphers import mac
from hipsync_devices.huawei.hichain import TOKEN_BYTES
from hipsync_devices.huawei.tlv import Fields

KEY_BYTES = 16
UNREADABLE = "what was kept for the band cannot be read: pair it again"


@dataclass(frozen=True, slots=True)
class Keys:
    """Our side of the pairing with one band. All of it stays the same for ever, but for `token`."""

    identity: str
    """The text by which a band with HiChain knows us: 32 hexadecimal digits in capitals."""
    phone: str
    """The Bluetooth address, an invention, by which a classic band knows us."""
    session: bytes = field(repr=False)
    """The key of 16 bytes that a classic band gets from us in its bond."""
    token: bytes = field(repr=False)
    """The token of 32 bytes that a band with HiChain has given us. Before its first meeting it is one that only a
    practice band holds, which was made with the same key."""

    @classmethod
    def of(cls, secret: bytes) -> Keys:
        """Return what follows from a key of 16 bytes, or what was kept later.

        Raises `MalformedPacket`, which tells no byte of it, if it is damaged.
        """
        if len(secret) != KEY_BYTES:
            return cls._decode(secret)
        tail = mac(secret, b"phone")[:3].hex().upper()
        phone = ":".join(["FF", "FF", "FF", tail[:2], tail[2:4], tail[4:]])
        identity, session = mac(secret, b"identity")[:16].hex().upper(), mac(secret, b"session")[:KEY_BYTES]
        return cls(identity, phone, session, mac(secret, b"token"))

    @property
    def serial(self) -> str:
        """The six characters by which a classic band knows us besides the address: its end, as in public clients."""
        return self.phone.replace(":", "")[-6:]

    def encode(self) -> bytes:
        texts = (0x01, self.identity.encode()), (0x02, self.phone.encode())
        return tlv.encode(*texts, (0x03, self.session), (0x04, self.token))

    @classmethod
    def _decode(cls, kept: bytes) -> Keys:
        try:
            fields = Fields.decode(kept)
            identity, phone = fields.value(0x01).decode("ascii"), fields.value(0x02).decode("ascii")
            session, token = fields.value(0x03), fields.value(0x04)
        except (MalformedPacket, UnicodeDecodeError):
            raise MalformedPacket(UNREADABLE, b"") from None
        if (len(session), len(token)) != (KEY_BYTES, TOKEN_BYTES):
            raise MalformedPacket(UNREADABLE, b"")
        return cls(identity, phone, session, token)
