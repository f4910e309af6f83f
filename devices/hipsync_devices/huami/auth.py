"""The challenge of the classic handshake."""

from __future__ import annotations


def answer(key: bytes, challenge: bytes) -> bytes:
    """AES-128-ECB of the 16 bytes of a challenge, as both ends compute it. `ValueError` for other lengths."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # 40 ms, and only for a connection

    if len(key) != 16 or len(challenge) != 16:
        raise ValueError("key and challenge have 16 bytes")
    encryptor = Cipher(algorithms.AES128(key), modes.ECB()).encryptor()  # noqa: S305  the band's protocol, one block
    return encryptor.update(challenge) + encryptor.finalize()
