"""The keys of one connection, which follow from the band's own key and two random numbers, and both ciphers.

::

    HKDF-SHA-256(own key, salt = phone's nonce + band's nonce, info "miwear-auth") = 64 bytes
     0..15 dec      the band encrypts by it       32..35 dec nonce
    16..31 enc      we encrypt by it              36..39 enc nonce

    v1   AES-128-CCM, tag of 4 bytes; nonce = enc nonce, 0000 0000, counter u32   phone to band, from 1 on
                                      nonce = dec nonce, 8 zero bytes             band to phone, every message
    v2   AES-128-CTR, first counter block = the key itself, anew for each message; no tag

Source: Gadgetbridge and AstroBox, whose code was run for the numbers in `tests/vectors/xiaomi.json` (areas kdf and
cipher). The ciphers are those of the library `cryptography`, imported where a connection needs it: that takes 40 ms.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from hipsync.errors import MalformedPacket

INFO = b"miwear-auth"
TAG = 4
"""The length in bytes of a CCM tag."""
NONCE = 16
"""The length in bytes of either side's random number."""
PROOF = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one connection. They are no part of its text, so that no log holds them."""

    dec: bytes = field(repr=False)
    enc: bytes = field(repr=False)
    dec_nonce: bytes = field(repr=False)
    enc_nonce: bytes = field(repr=False)
    phone: bytes = field(repr=False)
    """The phone's random number."""
    band: bytes = field(repr=False)
    """The band's random number."""

    @classmethod
    def agreed(cls, own: bytes, phone: bytes, band: bytes) -> Keys:
        """Return the keys that follow from the band's own key and both random numbers."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        made = HKDF(algorithm=SHA256(), length=64, salt=phone + band, info=INFO).derive(own)
        return cls(made[:16], made[16:32], made[32:36], made[36:40], phone, band)

    @property
    def proof(self) -> bytes:
        """Our proof that we know the band's own key."""
        return hmac.digest(self.enc, self.phone + self.band, sha256)

    def proves(self, proof: bytes) -> bool:
        """Whether this is the band's proof that it knows the same own key."""
        return hmac.compare_digest(hmac.digest(self.dec, self.band + self.phone, sha256), proof)

    def seal_v1(self, counter: int, plain: bytes) -> bytes:
        """Encrypt a message to a band of the first generation; the tag stands at the end."""
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM

        return AESCCM(self.enc, tag_length=TAG).encrypt(nonce_v1(self.enc_nonce, counter), plain, None)

    def open_v1(self, sealed: bytes) -> bytes:
        """Decrypt a message of a band of the first generation. Raises `MalformedPacket` if its tag is wrong."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM

        if len(sealed) < TAG:
            raise MalformedPacket("too short for an encrypted message", sealed)
        try:
            return AESCCM(self.dec, tag_length=TAG).decrypt(nonce_v1(self.dec_nonce, 0), sealed, None)
        except InvalidTag as error:
            raise MalformedPacket("a message of the band was encrypted by another key", sealed) from error

    def seal_v2(self, plain: bytes) -> bytes:
        """Encrypt a message to a band of the second generation."""
        return ctr(self.enc, plain)

    def open_v2(self, sealed: bytes) -> bytes:
        """Decrypt a message of a band of the second generation; nothing shows whether the key was right."""
        return ctr(self.dec, sealed)


def nonce_v1(of_connection: bytes, counter: int) -> bytes:
    """Return the nonce of a message of the first generation, 12 bytes; the band's messages all have the counter 0."""
    return of_connection + bytes(4) + counter.to_bytes(4, "little")


def ctr(key: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt bytes with AES-128-CTR, whose first counter block is the key itself."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    encryptor = Cipher(algorithms.AES128(key), modes.CTR(key)).encryptor()
    return encryptor.update(data) + encryptor.finalize()
