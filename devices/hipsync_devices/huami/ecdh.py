"""The key agreement of the newer login: Diffie-Hellman on the curve NIST B-163, which `cryptography` does not offer.

Polynomials over GF(2) are integers with a byte for each coefficient, 0 or 1. A product adds up at most 163 ones in each
byte, so Python's own multiplication never carries into the next byte, and the lowest bit of each byte is the sum. A
point is multiplied by López and Dahab's ladder (CHES 1999, algorithm 2P). That does not take constant time, but the key
lives for one connection only, and whoever can measure times within the program does not need the key.

Source of the curve: FIPS 186-4, D.1.3.2; of the coordinates on the wire: a published exchange, in `tests/devices`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hipsync.errors import MalformedPacket

DEGREE = 163
BYTES = 24
"""The length of a coordinate on the wire in bytes; it is little-endian, and the last three bytes are zero."""
PRIVATE_BITS = 162
SHORTEST_PRIVATE = 82
"""The fewest bits that a private number may have; a shorter one is drawn again."""
ONES = int.from_bytes(b"\x01" * (2 * DEGREE), "little")
FIELD = (1 << 8 * DEGREE) - 1


def spread(bits: int) -> int:
    """Return a polynomial with a byte for each coefficient, made from the usual form with a bit for each."""
    return int.from_bytes(bytes(bits >> i & 1 for i in range(DEGREE)), "little")


def gathered(polynomial: int) -> int:
    """Return a polynomial in the usual form, with a bit for each coefficient, made from one with a byte for each."""
    return sum(bit << i for i, bit in enumerate(polynomial.to_bytes(DEGREE, "little")))


def product(a: int, b: int) -> int:
    """Return the product of two elements of the field, modulo x^163 + x^7 + x^6 + x^3 + 1."""
    wide = a * b & ONES
    for _ in range(2):  # the first turn leaves up to six coefficients beyond the degree
        high = wide >> 8 * DEGREE
        wide = wide & FIELD ^ high ^ high << 24 ^ high << 48 ^ high << 56
    return wide


def inverse(a: int) -> int:
    """Return 1 / a, which by Fermat is a to the power of 2^163 - 2; `a` is not 0."""
    out = power = product(a, a)
    for _ in range(DEGREE - 2):
        power = product(power, power)
        out = product(out, power)
    return out


class Point(NamedTuple):
    """A point of the curve y² + xy = x³ + x² + b, except the point at infinity and the one of order two."""

    x: int
    y: int

    def encode(self) -> bytes:
        return gathered(self.x).to_bytes(BYTES, "little") + gathered(self.y).to_bytes(BYTES, "little")

    @classmethod
    def decode(cls, data: bytes) -> Point:
        """Decode a point of 48 bytes. Raises `MalformedPacket` if it is not on the curve.

        An answer computed from such a point would reveal our private number to its sender.
        """
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
    """Multiply a point by `number`, which is at least 1 and smaller than the order of the base point.

    Of the ladder's two points, (x1 : z1) is the product for the bits so far, and (x2 : z2) is that plus the point.
    Raises `MalformedPacket` if the product is the point at infinity.
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
    joint = inverse(product(product(z1, z2), x))  # one division instead of three
    reached = product(product(x1, joint), product(z2, x))
    after = product(product(x2, joint), product(z1, x))
    slope = product(reached ^ x, after ^ x) ^ square ^ y
    return Point(reached, product(product(reached ^ x, slope), product(joint, product(z1, z2))) ^ y)


def _double(x: int, z: int) -> tuple[int, int]:
    x_square, z_square = product(x, x), product(z, z)
    fourth = product(z_square, z_square)
    return product(x_square, x_square) ^ product(B, fourth), product(x_square, z_square)


def _sum(x: int, x1: int, z1: int, x2: int, z2: int) -> tuple[int, int]:
    """Return the sum of two points, (x1 : z1) and (x2 : z2), whose difference has the coordinate x."""
    left, right = product(x1, z2), product(x2, z1)
    z = product(left ^ right, left ^ right)
    return product(x, z) ^ product(left, right), z


def private_key(random: Callable[[int], bytes]) -> int:
    """Return a private number made of 24 random bytes, which are drawn again until the number is long enough.

    `random` returns that many random bytes.
    """
    while True:
        number = int.from_bytes(random(BYTES), "little") & (1 << PRIVATE_BITS) - 1
        if number.bit_length() >= SHORTEST_PRIVATE:
            return number


def public_key(private: int) -> bytes:
    """Return the public key of a private number: 48 bytes, x and then y."""
    return times(private, BASE).encode()


def shared_secret(private: int, public: bytes) -> bytes:
    """Return the secret of 48 bytes that both ends compute. Raises `MalformedPacket` for an impossible public key."""
    return times(private, Point.decode(public)).encode()
