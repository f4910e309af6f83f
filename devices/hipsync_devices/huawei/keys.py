"""What hipsync keeps of a band, from its first meeting on: who we are to it, and the keys that were agreed on.

It is kept as fields of tag, length and value, so that a later version can add one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hipsync.errors import MalformedPacket
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.hichain import TOKEN_BYTES
from hipsync_devices.huawei.tlv import Fields

KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """Our side of the pairing with one band. All of it stays the same for ever, but for `token`."""

    identity: str
    """The text by which a band with HiChain knows us: 32 hexadecimal digits in capitals."""
    phone: str
    """The Bluetooth address, an invention, by which a classic band knows us."""
    session: bytes = field(repr=False)
    """The key of 16 bytes that a classic band gets from us in its bond."""
    token: bytes | None = field(default=None, repr=False)
    """The token of 32 bytes that a band with HiChain gave us; None before that."""

    @classmethod
    def drawn(cls, random: Callable[[int], bytes]) -> Keys:
        """Draw new ones."""
        tail = random(3).hex().upper()
        phone = ":".join(["FF", "FF", "FF", tail[:2], tail[2:4], tail[4:]])
        return cls(random(16).hex().upper(), phone, random(KEY_BYTES))

    @property
    def serial(self) -> str:
        """The six characters by which a classic band knows us besides the address: its end, as in public clients."""
        return self.phone.replace(":", "")[-6:]

    def encode(self) -> bytes:
        token = () if self.token is None else ((0x04, self.token),)
        return tlv.encode((0x01, self.identity.encode()), (0x02, self.phone.encode()), (0x03, self.session), *token)

    @classmethod
    def decode(cls, kept: bytes) -> Keys:
        """Decode what was kept. Raises `MalformedPacket`, which has no bytes, if it is damaged."""
        try:
            fields = Fields.decode(kept)
            identity, phone = fields.value(0x01).decode("ascii"), fields.value(0x02).decode("ascii")
            session, token = fields.value(0x03), fields.find(0x04)
        except (MalformedPacket, UnicodeDecodeError):
            raise MalformedPacket("the keys that were kept for the band cannot be read", b"") from None
        if len(session) != KEY_BYTES or (token is not None and len(token) != TOKEN_BYTES):
            raise MalformedPacket("the keys that were kept for the band have a wrong length", b"")
        return cls(identity, phone, session, token)
