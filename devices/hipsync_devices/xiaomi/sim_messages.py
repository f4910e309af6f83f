"""The messages of a simulated Xiaomi band: a protobuf writer and reader of its own, and the keys of one connection.

It shares nothing with the reader and writer of the driver, so that a slip in one shows at the other.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

Said = dict[int, int | bytes]
"""The fields of a message by number, the last of each."""


def packed(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + packed(value >> 7)


def said(*fields: tuple[int, int | bytes | str]) -> bytes:
    """Return a message with these fields in order: numbers as varints, bytes and texts as such."""
    out = b""
    for field, value in fields:
        if isinstance(value, int):
            out += packed(field * 8) + packed(value)
        else:
            raw = value.encode() if isinstance(value, str) else value
            out += packed(field * 8 + 2) + packed(len(raw)) + raw
    return out


def deep(path: str, inner: bytes) -> tuple[int, bytes]:
    """Return the field at the head of a path such as `4.48`, with a message at its end."""
    first, _, rest = path.partition(".")
    return int(first), said(deep(rest, inner)) if rest else inner


def heard(data: bytes) -> Said:
    """Read the fields of a message. Raises `ValueError` for bytes that are none."""
    out: Said = {}
    rest = data
    while rest:
        key, rest = _unpacked(rest)
        match key % 8:
            case 0:
                out[key // 8], rest = _unpacked(rest)
            case 2:
                length, rest = _unpacked(rest)
                out[key // 8], rest = _cut(rest, length)
            case 5:
                out[key // 8], rest = _cut(rest, 4)
            case _:
                raise ValueError("a wire type that no client sends")
    return out


def _unpacked(data: bytes) -> tuple[int, bytes]:
    for length in range(1, min(len(data), 10) + 1):
        if data[length - 1] < 0x80:
            return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data[:length])), data[length:]
    raise ValueError("a number without end")


def _cut(data: bytes, length: int) -> tuple[bytes, bytes]:
    if length > len(data):
        raise ValueError("a field without end")
    return data[:length], data[length:]


def inside(message: Said, path: str) -> Said:
    """Return the message at a path of fields; an empty one if any of them is absent or a number."""
    for field in path.split("."):
        inner = message.get(int(field), b"")
        message = heard(inner) if isinstance(inner, bytes) else {}
    return message


def whole(message: Said, field: int, otherwise: int = 0) -> int:
    """Return a number; `otherwise` if it is absent."""
    value = message.get(field, otherwise)
    return value if isinstance(value, int) else otherwise


def raw(message: Said, field: int) -> bytes:
    """Return bytes; none if they are absent."""
    value = message.get(field, b"")
    return value if isinstance(value, bytes) else b""


class SessionKeys(NamedTuple):
    """What both ends derive in a login: the band encrypts by `own`, the client by `client`."""

    own: bytes
    client: bytes
    own_nonce: bytes
    client_nonce: bytes

    @classmethod
    def of(cls, key: bytes, client: bytes, band: bytes) -> SessionKeys:
        """Derive them as RFC 5869 has it, from the band's key and the random numbers of both sides."""
        drawn, block, out = hmac.digest(client + band, key, "sha256"), b"", b""
        for number in (1, 2):
            block = hmac.digest(drawn, block + b"miwear-auth" + bytes([number]), "sha256")
            out += block
        return cls(out[0:16], out[16:32], out[32:36], out[36:40])

    def own_proof(self, client: bytes, band: bytes) -> bytes:
        return hmac.new(self.own, band + client, hashlib.sha256).digest()

    def client_proof(self, client: bytes, band: bytes) -> bytes:
        return hmac.new(self.client, client + band, hashlib.sha256).digest()

    def ccm(self, plain: bytes) -> bytes:
        """Encrypt as a band of the first generation does: every message with the same nonce."""
        return AESCCM(self.own, 4).encrypt(self.own_nonce + b"\0" * 8, plain, None)

    def unccm(self, counter: int, sealed: bytes) -> bytes | None:
        """Decrypt a client's message; None if its tag is wrong."""
        nonce = self.client_nonce + b"\0" * 4 + counter.to_bytes(4, "little")
        try:
            return AESCCM(self.client, 4).decrypt(nonce, sealed, None)
        except InvalidTag:
            return None

    def ctr(self, data: bytes, *, own: bool) -> bytes:
        """Encrypt what the band says (`own`), or decrypt what the client said, as the second generation does."""
        key = self.own if own else self.client
        return Cipher(algorithms.AES128(key), modes.CTR(key)).encryptor().update(data)
