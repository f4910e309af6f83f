"""How bodies are sealed after the login, and the primitives of all three logins.

A sealed body is `7c 01 01 | 7d 10 <iv> | 7e <n> <cipher text>` in place of the fields themselves: AES-128-CBC with
PKCS#7, or AES-GCM with an initialisation vector of 16 bytes and its tag at the end. A band may answer in plain or
sealed, so the presence of field 7C decides, message by message. Source: docs/protocols/huawei.md, 3.6.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from hipsync.errors import MalformedPacket
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.tlv import Fields

SEALED, IV, TEXT = 0x7C, 0x7D, 0x7E
IV_BYTES = 16
HIGHEST_COUNT = 0xFFFF_FFFF


def mac(key: bytes, data: bytes) -> bytes:
    """Return the HMAC with SHA-256."""
    return hmac.digest(key, data, "sha256")


def derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes of key material, by HKDF with SHA-256 (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256  # the import takes 40 ms, which only connections need
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, info).derive(secret)


def cbc_encrypted(key: bytes, iv: bytes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher as Aes
    from cryptography.hazmat.primitives.ciphers import algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    padder, encryptor = PKCS7(128).padder(), Aes(algorithms.AES128(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def cbc_decrypted(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks. Raises `MalformedPacket` if they are none, or hold no padding."""
    from cryptography.hazmat.primitives.ciphers import Cipher as Aes
    from cryptography.hazmat.primitives.ciphers import algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    if not data or len(data) % 16 or len(iv) != IV_BYTES:
        raise MalformedPacket("not whole blocks of a cipher", data)
    decryptor, unpadder = Aes(algorithms.AES128(key), modes.CBC(iv)).decryptor(), PKCS7(128).unpadder()
    try:
        return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()
    except ValueError as error:
        raise MalformedPacket("what was decrypted has no padding: another key?", data) from error


def gcm_encrypted(key: bytes, iv: bytes, data: bytes, aad: bytes | None = None) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(iv, data, aad)


def gcm_decrypted(key: bytes, iv: bytes, data: bytes, aad: bytes | None = None) -> bytes:
    """Decrypt a text with its tag of 16 bytes at the end. Raises `MalformedPacket` if it is not what was sealed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(data) < 16 or not 12 <= len(iv) <= IV_BYTES:
        raise MalformedPacket("not a sealed text", data)
    try:
        return AESGCM(key).decrypt(iv, data, aad)
    except InvalidTag as error:
        raise MalformedPacket("a sealed text that does not fit its tag: another key?", data) from error


@dataclass(frozen=True, slots=True)
class Cipher:
    """What both ends seal their messages with after a login: a key of 16 bytes, or of 32 after HiChain."""

    key: bytes = field(repr=False)
    gcm: bool

    def encrypted(self, iv: bytes, data: bytes) -> bytes:
        return (gcm_encrypted if self.gcm else cbc_encrypted)(self.key, iv, data)

    def decrypted(self, iv: bytes, data: bytes) -> bytes:
        """Decrypt a text. Raises `MalformedPacket` if it is not one that was sealed with this key."""
        return (gcm_decrypted if self.gcm else cbc_decrypted)(self.key, iv, data)

    def seal(self, body: bytes, iv: bytes) -> bytes:
        """Return the sealed form of a body."""
        return tlv.encode((SEALED, b"\1"), (IV, iv), (TEXT, self.encrypted(iv, body)))


def is_sealed(body: bytes) -> bool:
    """Whether a body is sealed, by its first field."""
    return body[:1] == bytes([SEALED])


def unsealed(body: bytes, cipher: Cipher | None) -> bytes:
    """Return a body in plain, whether it came sealed or not. Raises `MalformedPacket` if it cannot be unsealed."""
    if not is_sealed(body):
        return body
    if cipher is None:
        raise MalformedPacket("a sealed message before there is a key", body)
    fields = Fields.decode(body)
    return cipher.decrypted(fields.value(IV), fields.value(TEXT))


class Vectors:
    """The initialisation vectors of our messages, which never repeat under one key.

    With a counter they are 12 random bytes and its next number; without one they are random.
    """

    def __init__(self, random: Callable[[int], bytes], count: int | None = None) -> None:
        self._random = random
        self._count = count

    def next(self) -> bytes:
        if self._count is None:
            return self._random(IV_BYTES)
        self._count = 1 if self._count >= HIGHEST_COUNT else self._count + 1
        return self._random(IV_BYTES - 4) + self._count.to_bytes(4, "big")
