"""AES-128-ECB, which makes the proof in the logins of both generations and encrypts the messages of the newer one."""

from __future__ import annotations


def answer(key: bytes, challenge: bytes) -> bytes:
    """Return the proof for a challenge of 16 bytes, as both ends compute it. Raises `ValueError` for other lengths."""
    if len(challenge) != 16:
        raise ValueError("a challenge has 16 bytes")
    return encrypted(key, challenge)


def encrypted(key: bytes, blocks: bytes) -> bytes:
    """Encrypt whole blocks of 16 bytes with a key of 16 bytes. Raises `ValueError` for other lengths."""
    from cryptography.hazmat.primitives.ciphers import (
        Cipher,
        algorithms,
        modes,
    )  # the import takes 40 ms, which only connections need

    if len(key) != 16 or len(blocks) % 16:
        raise ValueError("a key has 16 bytes, and so has a block")
    encryptor = Cipher(algorithms.AES128(key), modes.ECB()).encryptor()  # noqa: S305  the band's protocol
    return encryptor.update(blocks) + encryptor.finalize()


def decrypted(key: bytes, blocks: bytes) -> bytes:
    """Decrypt whole blocks of 16 bytes with a key of 16 bytes. Raises `ValueError` for other lengths."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(key) != 16 or len(blocks) % 16:
        raise ValueError("a key has 16 bytes, and so has a block")
    decryptor = Cipher(algorithms.AES128(key), modes.ECB()).decryptor()  # noqa: S305  the band's protocol
    return decryptor.update(blocks) + decryptor.finalize()
