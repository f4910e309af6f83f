"""The proofs of the classic login and of HiChain lite: what each end sends to show that it knows the protocol.

There is no secret of the wearer's in them. The session key, 16 bytes of ours, is handed over by the bond. It is
encrypted with a key that follows from the band's address (classic) or from the proof (lite). Source:
docs/protocols/huawei.md, 4.3 and 4.4; the constants are in every public client.
"""

from __future__ import annotations

from hashlib import pbkdf2_hmac, sha256
from typing import NamedTuple

from hipsync.errors import UnexpectedReply
from hipsync_devices.huawei.ciphers import Cipher, mac

OLD, MIDDLE, NEW, HONOR_HEALTH = 1, 2, 3, 4
"""The versions of the login ("auth versions") that bands announce."""
PBKDF2 = 1
"""The algorithm of HiChain lite that stretches its secret; any other number means a plain HMAC."""
ROUNDS = 1000
SECRETS = {
    OLD: bytes.fromhex("70fb6c24035fdb552f38898aeede3f69"),
    MIDDLE: bytes.fromhex("93acdef76acb09857dbfe5261aabcd78"),
    NEW: bytes.fromhex("9c2763a9cce134766de3ff6118200553"),
    HONOR_HEALTH: bytes.fromhex("70fb6c24035fdb552f38898aeede3f69"),
}
"""The constant that each version's proofs and PINs are made with ("digest secret")."""
_OLD, _NEW = bytes.fromhex("02010302000002030302010103020300"), bytes.fromhex("01030203020300000201020100000202")
_ADDRESS_MASKS = {OLD: _OLD, MIDDLE: _NEW, NEW: _NEW, HONOR_HEALTH: _OLD}
"""What the address is combined with: the high two bits of the SHA-256 of each version's two constants."""
CHALLENGE, ANSWER = b"\x01\x00", b"\x01\x10"
"""What is proven: the client's word and the band's."""
HONOR_HEALTH_CHALLENGE = b"\x04\x00"


class Proof(NamedTuple):
    digest: bytes
    """The 32 bytes that go over the air."""
    inner: bytes
    """The 32 bytes that they were made from; HiChain lite takes its bond key from those of the challenge."""


def secret_of(version: int) -> bytes:
    """Return the constant of a login's version. Raises `UnexpectedReply` for a version that nobody knows."""
    if version not in SECRETS:
        raise UnexpectedReply(f"the band wants version {version} of the login, which nobody has described")
    return SECRETS[version]


def challenge_of(version: int) -> bytes:
    return HONOR_HEALTH_CHALLENGE if version == HONOR_HEALTH else CHALLENGE


def classic(version: int, word: bytes, nonces: bytes) -> Proof:
    """Return the proof of a word of two bytes in the classic login; `nonces` are the band's and then ours."""
    inner = mac(secret_of(version) + word, nonces)
    return Proof(mac(inner, nonces), inner)


def lite(version: int, word: bytes, nonces: bytes, pin: bytes, algorithm: int) -> Proof:
    """Return the proof of a word in HiChain lite. The PIN is what the band told, and may be any bytes."""
    mask = sha256(pin.hex().upper().encode()).digest()
    secret = bytes(a ^ b for a, b in zip(secret_of(version), mask, strict=False)) + word
    if algorithm == PBKDF2:
        text, salt = secret.hex().upper().encode(), nonces.hex().upper().encode()
        inner = pbkdf2_hmac("sha256", text, salt, ROUNDS, 32)
    else:
        inner = mac(secret, nonces)
    return Proof(mac(inner, nonces), inner)


def lite_by_key(key: bytes, word: bytes, nonces: bytes) -> Proof:
    """Return the proof of a word in HiChain lite with version 2, which rests on our session key in place of a PIN.

    How a band comes by that key the first time is unknown.
    """
    return Proof(mac(key + word, nonces), (key + word).ljust(32, b"\0"))


def address_key(version: int, address: str) -> bytes:
    """Return the key of 16 bytes that encrypts the session key in a classic bond.

    `address` is the band's Bluetooth address with colons. Its letters count as they are; bands expect capitals. Raises
    `UnexpectedReply` for a version that nobody knows.
    """
    secret_of(version)
    text = (address.replace(":", "") + "0000").encode()
    return sha256(bytes(a ^ b for a, b in zip(_ADDRESS_MASKS[version], text, strict=False))).digest()[:16]


def pin_of(version: int, text: bytes, iv: bytes, *, gcm: bool) -> bytes:
    """Decrypt the PIN that a band tells. Raises `MalformedPacket` if it is none, `UnexpectedReply` as `secret_of`."""
    return Cipher(secret_of(version), gcm).decrypted(iv, text)
