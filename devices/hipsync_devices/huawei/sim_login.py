"""The login as a simulated band lives through it: classic, HiChain lite and HiChain, whatever its model wants.

It checks every proof, as the maker's published source does on the band's side. What it holds of its owner outlives a
connection, and is lost when it is reset.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac, sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hipsync_devices.huawei import packets
from hipsync_devices.huawei.proofs import PBKDF2, SECRETS
from hipsync_devices.huawei.sim_wire import Heard, Seal, Tagged, Unreadable, fields, first, number
from hipsync_devices.huawei.sim_wire import field as tagged

_CONSTANTS = {
    1: ("6f756a796d777134636c763933373879", "6231306a676664397937767375646139"),
    2: ("555386fc632007aa86493522b86ae25c", "33079bc57a886d3cf56137096f228000"),
}
"""The two constants that make an address key, for version 1 of the login and for the later ones."""
COUNT = 0x1993
"""The last number that the band has seen in an initialisation vector, by its own word."""


@dataclass(frozen=True, slots=True)
class Model:
    """What a model says of its link, and how it wants to be met."""

    kind: int
    version: int
    link_size: int
    slice_size: int = 244
    method: int = 0
    algorithm: int = 0
    plain_answers: bool = False
    """Whether it answers in plain although it was asked under seal, as an Honor Band 4 does."""
    interval_ms: int = 64

    @property
    def gcm(self) -> bool:
        return self.kind == 4 or self.method == 1


BAND_10 = Model(kind=4, version=1, link_size=512)
HONOR_BAND_3 = Model(kind=0, version=1, link_size=20)
HONOR_BAND_4 = Model(kind=0, version=3, link_size=182, slice_size=512, plain_answers=True)
HONOR_BAND_6 = Model(kind=2, version=3, link_size=512, algorithm=1)


@dataclass(slots=True)
class Owner:
    """What a band holds of the phone that it belongs to."""

    tokens: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """The token of HiChain, by the phone's identity."""
    keys: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """The key of the bond, by the phone's address."""


@dataclass(slots=True)
class Login:
    """The login of one connection. `seal` is set once messages are to be sealed."""

    model: Model
    address: str
    owner: Owner
    draw: Callable[[int], bytes]
    pin: bytes = b"325533"
    seal: Seal | None = None
    wants_tap: bool = False
    """Whether the answer just given is one that comes after the wearer has tapped yes."""
    _nonces: bytes = b""
    _band_nonce: bytes = b""
    _negotiated: bool = False
    _proven: bool = False
    _bond_key: bytes = b""
    _phone: bytes = b""
    _identity: str = ""
    _pin_told: bool = False
    _hichain: _HiChain | None = None

    def answer(self, heard: Heard) -> bytes:
        """Return the body that answers a message of the login. Raises `Unreadable` for one that is refused."""
        self.wants_tap = False
        found = fields(heard.body)
        answers: dict[tuple[int, int], Callable[[list[Tagged]], bytes]] = {
            packets.LINK: self._link, packets.DEVICE_STATUS: lambda _: number(1, 0, 1),
            packets.NEGOTIATION: self._negotiate, packets.PIN: self._tell_pin, packets.AUTH: self._auth,
            packets.BOND_PARAMETERS: self._bond_parameters, packets.BOND: self._bond, packets.HICHAIN: self._chain,
        }  # fmt: skip
        return answers[heard.service, heard.command](found)

    def _link(self, _: list[Tagged]) -> bytes:
        self._band_nonce, self._negotiated, self._proven, self.seal = self.draw(16), False, False, None
        model = self.model
        told = number(1, 2, 1) + number(2, model.slice_size, 2) + number(3, model.link_size, 2)
        told += number(4, model.interval_ms, 2) + tagged(5, bytes([0, model.version]), self._band_nonce)
        if model.kind:
            told += number(7, model.kind, 1) + number(8, model.algorithm, 1) + number(9, bool(self.owner.tokens), 1)
            told += number(0x0C, model.method, 1)
        return told

    def _negotiate(self, found: list[Tagged]) -> bytes:
        mode = 4 if self.model.kind == 4 else 2
        if not self.model.kind or first(found, 1) != bytes([mode]):
            raise Unreadable
        self._identity, self._negotiated = first(found, 5).decode("ascii", "replace"), True
        if self.model.kind == 2:
            return number(1, mode, 1) + number(2, 1, 1)
        way = packets.KNOWN if self._identity in self.owner.tokens else packets.FIRST_MEETING
        return number(1, mode, 1) + number(2, way ^ 4 if mode == 4 else way, 1)

    def _tell_pin(self, _: list[Tagged]) -> bytes:
        if not self._negotiated:
            raise Unreadable
        self.wants_tap = self.model.kind != 2
        self._pin_told = True
        iv = self.draw(16)
        text = Seal(SECRETS[self.model.version], self.model.method == 1).close(iv, self.pin)
        return tagged(1, text) + tagged(2, iv)

    # -------------------------------------------------------------- classic and lite

    def _proof(self, word: bytes) -> tuple[bytes, bytes]:
        """Return the digest of a word, and what it was made from."""
        secret = SECRETS[self.model.version]
        if self.model.kind == 2:
            text = sha256(self.pin.hex().upper().encode()).digest()
            secret = (int.from_bytes(secret, "big") ^ int.from_bytes(text[:16], "big")).to_bytes(16, "big")
        secret += word
        if self.model.kind == 2 and self.model.algorithm == PBKDF2:
            inner = pbkdf2_hmac("sha256", _text(secret).encode(), _text(self._nonces).encode(), 1000, 32)
        else:
            inner = hmac.digest(secret, self._nonces, "sha256")
        return hmac.digest(inner, self._nonces, "sha256"), inner

    def _auth(self, found: list[Tagged]) -> bytes:
        nonce = first(found, 2)
        if len(nonce) != 18 or nonce[:2] != bytes([0, self.model.version]) or self.model.kind not in {0, 2}:
            raise Unreadable
        if self.model.kind == 2 and not self._pin_told:
            raise Unreadable
        self._nonces = self._band_nonce + nonce[2:]
        challenge, inner = self._proof(b"\1\0")
        if first(found, 1) != challenge:
            raise Unreadable
        self._proven = True
        self._bond_key = inner[:16] if self.model.kind == 2 else self.address_key()
        return tagged(1, self._proof(b"\1\x10")[0])

    def address_key(self) -> bytes:
        one, other = (bytes.fromhex(text) for text in _CONSTANTS[min(self.model.version, 2)])
        mixed = sha256(bytes((a << 4 ^ b) & 0xFF for a, b in zip(one, other, strict=True))).digest()
        text = self.address.replace(":", "").upper().encode() + b"0000"
        return sha256(bytes(mixed[at] >> 6 ^ text[at] for at in range(16))).digest()[:16]

    def _bond_parameters(self, found: list[Tagged]) -> bytes:
        if not self._proven:
            raise Unreadable
        self._phone = first(found, 7)
        bonded = self._phone in self.owner.keys
        if bonded and self.model.kind == 0:
            self.seal = Seal(self.owner.keys[self._phone], self.model.gcm)
        told = number(1, bonded, 1) + number(2, 1, 1) + number(4, 2, 1)
        return told + number(5, self.model.link_size, 2) + number(9, COUNT, 4)

    def _bond(self, found: list[Tagged]) -> bytes:
        if not self._phone:
            raise Unreadable
        key = Seal(self._bond_key, self.model.method == 1).open(first(found, 7), first(found, 6))
        if len(key) != 16:
            raise Unreadable
        self.owner.keys = {self._phone: key}
        self.seal = Seal(key, self.model.gcm)
        return number(2, 1, 1)

    # -------------------------------------------------------------- HiChain

    def _chain(self, found: list[Tagged]) -> bytes:
        if not self._negotiated or self.model.kind == 2:
            raise Unreadable
        operation, request = first(found, 2), first(found, 3)
        try:
            told = json.loads(first(found, 1))
            step, payload = told["message"], told["payload"]
            if step in {1, 17}:
                self._hichain = self._begun(operation, payload)
            if self._hichain is None or operation != bytes([self._hichain.operation]):
                raise Unreadable
            answer = self._hichain.answer(step & 0x0F, payload)
        except (KeyError, TypeError, ValueError, InvalidTag) as error:
            raise Unreadable from error
        numbers = tagged(2, operation) + tagged(3, request)
        if answer is None:
            self._end(self._hichain)
            return tagged(1, b"com.huawei.health") + numbers + tagged(4, operation) + number(5, 0, 1)
        text = json.dumps(
            {"authForm": 0, "message": step + 0x8000, "payload": answer,
             "requestId": str(int.from_bytes(request, "big"))},
            separators=(",", ":"),
        )  # fmt: skip
        return tagged(1, text.encode()) + numbers + number(4, 0, 1)

    def _begun(self, operation: bytes, payload: dict[str, str]) -> _HiChain:
        identity = bytes.fromhex(payload["peerAuthId"]).decode()
        if operation == b"\1" and self._pin_told:
            root = sha256(self.pin.hex().upper().encode()).digest()
        elif operation == b"\2" and identity in self.owner.tokens:
            root = self.owner.tokens[identity]
        else:
            raise Unreadable
        name = f"BAND-{self.address.replace(':', '').upper()}"
        return _HiChain(operation[0], root, identity, name.encode(), self.draw)

    def _end(self, chain: _HiChain) -> None:
        if chain.operation == 1:
            self.owner.tokens = {chain.identity: chain.token}
        else:
            self.seal = Seal(chain.traffic(), self.model.gcm)


@dataclass(slots=True)
class _HiChain:
    """One operation of HiChain, as the band goes through it."""

    operation: int
    root: bytes
    identity: str
    name: bytes
    draw: Callable[[int], bytes]
    token: bytes = b""
    _salt: bytes = b""
    _theirs: bytes = b""
    _key: bytes = b""
    _trusted: bool = False

    def answer(self, step: int, payload: dict[str, str]) -> dict[str, object] | None:
        """Return the payload of the answer to a step; None for the last one. Raises `Unreadable` for a wrong proof."""
        if step == 1:
            return self._greeting(payload)
        if step == 2:
            return self._receipt(payload)
        if step == 3 and self.operation == 1:
            return self._handover(payload)
        if not self._trusted or self._unsealed(payload, "encResult", b"hichain_iso_result") != bytes(4):
            raise Unreadable
        return None

    def _mac(self, *parts: bytes) -> bytes:
        return hmac.digest(self._key, b"".join(parts), "sha256")

    def _greeting(self, payload: dict[str, str]) -> dict[str, object]:
        self._theirs, self._salt = bytes.fromhex(payload["isoSalt"]), self.draw(16)
        self._key = hmac.digest(self.root, bytes.fromhex(payload["seed"]), "sha256")
        proof = self._mac(self._salt, self._theirs, self.identity.encode(), self.name)
        return {"isoSalt": _text(self._salt), "peerAuthId": _text(self.name), "peerUserType": 0, "token": _text(proof)}

    def _receipt(self, payload: dict[str, str]) -> dict[str, object]:
        proof = self._mac(self._theirs, self._salt, self.name, self.identity.encode())
        if not self._key or bytes.fromhex(payload["token"]) != proof:
            raise Unreadable
        self._trusted = True
        return {"returnCodeMac": _text(self._mac(bytes(4)))}

    def _handover(self, payload: dict[str, str]) -> dict[str, object]:
        if not self._trusted:
            raise Unreadable
        challenge = self._unsealed(payload, "encData", b"hichain_iso_exchange")
        nonce, self.token = self.draw(12), self.draw(32)
        sealed = AESGCM(self._session()).encrypt(nonce, self.token, challenge)
        return {"nonce": _text(nonce), "encAuthToken": _text(sealed)}

    def _unsealed(self, payload: dict[str, str], name: str, aad: bytes) -> bytes:
        nonce, text = bytes.fromhex(payload["nonce"]), bytes.fromhex(payload[name])
        return AESGCM(self._session()).decrypt(nonce, text, aad)

    def _session(self) -> bytes:
        return self._derived(self._key, b"hichain_iso_session_key")

    def traffic(self) -> bytes:
        return self._derived(self._session(), b"hichain_return_key")

    def _derived(self, secret: bytes, info: bytes) -> bytes:
        return HKDF(SHA256(), 32, self._theirs + self._salt, info).derive(secret)


def _text(data: bytes) -> str:
    return data.hex().upper()
