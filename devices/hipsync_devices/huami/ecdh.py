"""The key agreement of the newer login: Diffie-Hellman on the curve NIST B-163, which `cryptography` does not offer.

Polynomials over GF(2) are integers with a byte for each coefficient, 0 or 1. A product adds up at most 163 ones in a
place, so Python's own multiplication never carries into the next byte, and the lowest bit of each byte is the sum. A
point times a number is López and Dahab's ladder (CHES 1999, algorithm 2P). It is not constant in time: the key lives
for one connection, and whoever can measure it within the program does not need the key.

Source of the curve: FIPS 186-4, D.1.3.2; of the coordinates on the wire: a published exchange, in `tests/devices`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hipsync.errors import MalformedPacket

DEGREE = 163
BYTES = 24
"""Bytes of a coordinate on the wire, little-endian; the last three are zero."""
PRIVATE_BITS = 162
SHORTEST_PRIVATE = 82
"""Fewest bits of a private number: a shorter one is drawn again."""
ONES = int.from_bytes(b"\x01" * (2 * DEGREE), "little")
FIELD = (1 << 8 * DEGREE) - 1


def spread(bits: int) -> int:
    """A polynomial with a byte for each coefficient, from the usual form with a bit for each."""
    return int.from_bytes(bytes(bits >> i & 1 for i in range(DEGREE)), "little")


def gathered(polynomial: int) -> int:
    """Inverse of `spread`: the usual form, with a bit for each coefficient."""
    return sum(bit << i for i, bit in enumerate(polynomial.to_bytes(DEGREE, "little")))


def product(a: int, b: int) -> int:
    """The product of two elements of the field, modulo x^163 + x^7 + x^6 + x^3 + 1."""
    wide = a * b & ONES
    for _ in range(2):  # the first turn leaves up to six coefficients beyond the degree
        high = wide >> 8 * DEGREE
        wide = wide & FIELD ^ high ^ high << 24 ^ high << 48 ^ high << 56
    return wide


def inverse(a: int) -> int:
    """1 / a, by Fermat: a to the power of 2^163 - 2."""
    out = power = product(a, a)
    for _ in range(DEGREE - 2):
        power = product(power, power)
        out = product(out, power)
    return out


class Point(NamedTuple):
    """A point of the curve y² + xy = x³ + x² + b; neither the one at infinity nor that of order two."""

    x: int
    y: int

    def encode(self) -> bytes:
        return gathered(self.x).to_bytes(BYTES, "little") + gathered(self.y).to_bytes(BYTES, "little")

    @classmethod
    def decode(cls, data: bytes) -> Point:
        """Raises `MalformedPacket` for what is not on the curve: a reply would reveal our number to its sender."""
        x, y = int.from_bytes(data[:BYTES], "little"), int.from_bytes(data[BYTES:], "little")
        if len(data) != 2 * BYTES or not x or (x | y) >> DEGREE:
            raise MalformedPacket("not a public key of the newer login", data)
        point = cls(spread(x), spread(y))
        square = product(point.x, point.x)
        if product(point.y, point.y) ^ product(point.x, point.y) != product(square, point.x ^ 1) ^ B:
            raise MalformedPacket("a public key that is not on the curve", data)
        return point


B = spread(0x20A601907B8C953CA1481EB10512F78744A3205FD)
BASE = Point(spread(0x3F0EBA16286A2D57EA0991168D4994637E8343E36), spread(0x0D51FBC6C71A0094FA2CDD545B11C5C0C797324F1))


def times(number: int, point: Point) -> Point:
    """The point times `number`, which is at least 1 and smaller than the order of the base point.

    Of the ladder's two points, (x1 : z1) belongs to the bits so far, and (x2 : z2) is the point after it.
    """
    x, y = point
    x1, z1 = x, 1
    square = product(x, x)
    x2, z2 = product(square, square) ^ B, square
    for place in reversed(range(number.bit_length() - 1)):
        if number >> place & 1:
            (x1, z1), (x2, z2) = _sum(x, x1, z1, x2, z2), _double(x2, z2)
        else:
            (x1, z1), (x2, z2) = _double(x1, z1), _sum(x, x1, z1, x2, z2)
    if not z1:
        raise MalformedPacket("a public key whose multiple is infinite", point.encode())
    if not z2:
        return Point(x, x ^ y)
    joint = inverse(product(product(z1, z2), x))  # one division in place of three
    reached = product(product(x1, joint), product(z2, x))
    after = product(product(x2, joint), product(z1, x))
    slope = product(reached ^ x, after ^ x) ^ square ^ y
    return Point(reached, product(product(reached ^ x, slope), product(joint, product(z1, z2))) ^ y)


def _double(x: int, z: int) -> tuple[int, int]:
    x_square, z_square = product(x, x), product(z, z)
    fourth = product(z_square, z_square)
    return product(x_square, x_square) ^ product(B, fourth), product(x_square, z_square)


def _sum(x: int, x1: int, z1: int, x2: int, z2: int) -> tuple[int, int]:
    """The sum of two points whose difference has the coordinate x."""
    left, right = product(x1, z2), product(x2, z1)
    z = product(left ^ right, left ^ right)
    return product(x, z) ^ product(left, right), z


def private_key(random: Callable[[int], bytes]) -> int:
    """A private number of 24 random bytes, which are drawn until it is long enough."""
    while True:
        number = int.from_bytes(random(BYTES), "little") & (1 << PRIVATE_BITS) - 1
        if number.bit_length() >= SHORTEST_PRIVATE:
            return number


def public_key(private: int) -> bytes:
    """The public key of a private number: 48 bytes, x and y."""
    return times(private, BASE).encode()


def shared_secret(private: int, public: bytes) -> bytes:
    """The secret that both ends share, 48 bytes. Raises `MalformedPacket` for an impossible public key."""
    return times(private, Point.decode(public)).encode()
