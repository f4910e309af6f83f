"""AES-128-ECB: the proof of both handshakes, and the encryption of the newer generation's messages."""

from __future__ import annotations


def answer(key: bytes, challenge: bytes) -> bytes:
    """The proof for a challenge of 16 bytes, as both ends compute it. Raises `ValueError` for other lengths."""
    if len(challenge) != 16:
        raise ValueError("a challenge has 16 bytes")
    return encrypted(key, challenge)


def encrypted(key: bytes, blocks: bytes) -> bytes:
    """Encrypt whole blocks of 16 bytes. Raises `ValueError` for other lengths."""
    from cryptography.hazmat.primitives.ciphers import (
        Cipher,
        algorithms,
        modes,
    )  # 40 ms, for connections only

    if len(key) != 16 or len(blocks) % 16:
        raise ValueError("a key has 16 bytes, and so has a block")
    encryptor = Cipher(algorithms.AES128(key), modes.ECB()).encryptor()  # noqa: S305  the band's protocol
    return encryptor.update(blocks) + encryptor.finalize()


def decrypted(key: bytes, blocks: bytes) -> bytes:
    """Inverse of `encrypted`."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(key) != 16 or len(blocks) % 16:
        raise ValueError("a key has 16 bytes, and so has a block")
    decryptor = Cipher(algorithms.AES128(key), modes.ECB()).decryptor()  # noqa: S305  the band's protocol
    return decryptor.update(blocks) + decryptor.finalize()
