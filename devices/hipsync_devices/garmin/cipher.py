"""The cipher of Garmin's own login, what a pairing derives by it, and the seal around messages after it.

The cipher is XXTEA (Wheeler and Needham, "Correction to xtea", 1998): all words of 32 bits of a message are one block,
and the key has 16 bytes. Source of the rest: seofernando25/garmin-proto-lab at 501817c3, `spec/PROTOCOL.md` P-0200 to
P-0211, of which the numbers in `tests/vectors/garmin.json` are, too. Nobody has tried it on a watch. Numbers are
little-endian. The one rule: no error holds a key, or bytes that were opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from struct import Struct

from hipsync.errors import MalformedPacket

KEY_BYTES = 16
JUST_WORKS = bytes(KEY_BYTES)
"""The passkey of a pairing without digits."""
_DELTA, _WORD = 0x9E3779B9, 0xFFFFFFFF
_SHARE = 8
"""How many bytes of each side's random number go into a key that both derive."""


# ------------------------------------------------------------------ XXTEA


def encrypt(plain: bytes, key: bytes) -> bytes:
    """Encrypt whole words, at least two, with a key of 16 bytes."""
    words, keys = _words(plain), _words(key)
    total = 0
    for _ in range(_rounds(words)):
        total = total + _DELTA & _WORD
        for at in range(len(words)):
            words[at] = words[at] + _mixed(words, keys, at, total) & _WORD
    return _bytes(words)


def decrypt(sealed: bytes, key: bytes) -> bytes:
    """Decrypt what `encrypt` made. Raises `MalformedPacket` unless it is whole words, at least two."""
    if len(sealed) < 8 or len(sealed) % 4:
        raise MalformedPacket("not encrypted by Garmin's cipher", sealed)
    words, keys = _words(sealed), _words(key)
    rounds = _rounds(words)
    for number in range(rounds, 0, -1):
        total = number * _DELTA & _WORD
        for at in reversed(range(len(words))):
            words[at] = words[at] - _mixed(words, keys, at, total) & _WORD
    return _bytes(words)


def _rounds(words: Sequence[int]) -> int:
    return 6 + 52 // len(words)


def _mixed(words: Sequence[int], keys: Sequence[int], at: int, total: int) -> int:
    """Return what is added to a word, by its neighbours, the key, and the sum of this round."""
    before, after = words[at - 1], words[(at + 1) % len(words)]
    shifted = (before >> 5 ^ after << 2) + (after >> 3 ^ before << 4)
    return shifted ^ (total ^ after) + (keys[at & 3 ^ total >> 2 & 3] ^ before)


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def _bytes(words: Sequence[int]) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


# ------------------------------------------------------------------ what a pairing derives


def passkey(digits: int) -> bytes:
    """Return the passkey of 16 bytes that follows from the digits on the watch's screen (P-0203)."""
    return digits.to_bytes(4, "little") + bytes(12)


def confirm(key: bytes, random: bytes, address: str) -> bytes:
    """Return the value that commits its sender to 16 random bytes, by the passkey (P-0204 and P-0205).

    `address` is the watch's Bluetooth address with colons, on both sides.
    """
    block = bytes.fromhex(address.replace(":", ""))[::-1].ljust(KEY_BYTES, b"\0")
    mixed = bytes(a ^ b ^ c for a, b, c in zip(encrypt(random, key), block, random, strict=True))
    return encrypt(mixed, key)


def short_term_key(key: bytes, host_random: bytes, watch_random: bytes) -> bytes:
    """Return the key under which the watch hands over the long-term key, by the passkey (P-0206)."""
    return encrypt(host_random[:_SHARE] + watch_random[:_SHARE], key)


def session_key(long_term_key: bytes, watch_share: bytes, host_share: bytes) -> bytes:
    """Return the key of one connection, from eight random bytes of each side (P-0208)."""
    return encrypt(watch_share + host_share, long_term_key)


# ------------------------------------------------------------------ messages that are sealed

_HEAD = Struct("<I4s")
_LEAST_FRAME = 6
MOST_ADDED = 2 + _HEAD.size + 4
"""How many bytes a sealed message is longer than what is in it, at most."""


class Seal:
    """The seal of one side around each frame, and the other side's that it opens, after message 5111 (P-0210, P-0211).

    ::

        u16 length of it all | encrypted: u32 counter | 4 bytes of the sender's | frame | 1 to 4 zeros
    """

    def __init__(self, key: bytes, ours: bytes, theirs: bytes) -> None:
        """`ours` and `theirs` are four bytes, which each side has drawn for what it sends."""
        self._key, self._ours, self._theirs = key, ours, theirs
        self._next = self._last = 0

    def seal(self, frame: bytes) -> bytes:
        """Seal a frame. Each call uses up a number, so frames are sent in the order in which they are sealed."""
        body = _HEAD.pack(self._next & _WORD, self._ours) + frame
        self._next += 1
        sealed = encrypt(body + bytes(4 - len(body) % 4), self._key)
        return (len(sealed) + 2).to_bytes(2, "little") + sealed

    def open(self, data: bytes) -> bytes:
        """Return the frame that was sealed.

        Raises `MalformedPacket` if it was not sealed by the watch in this connection, or comes after a later one.
        """
        if int.from_bytes(data[:2], "little") != len(data):
            raise MalformedPacket("a sealed message of Garmin whose length is wrong", data)
        body = decrypt(data[2:], self._key)
        counter, theirs = _HEAD.unpack_from(body)
        if not compare_digest(theirs, self._theirs):
            raise MalformedPacket("a message of Garmin under a seal that is not the watch's", data)
        if counter < self._last:
            raise MalformedPacket("a sealed message of Garmin that was sent before", data)
        end = _HEAD.size + int.from_bytes(body[_HEAD.size : _HEAD.size + 2], "little")
        if not _HEAD.size + _LEAST_FRAME <= end <= len(body):
            raise MalformedPacket("a sealed message of Garmin with no frame in it", data)
        self._last = counter
        return body[_HEAD.size : end]
