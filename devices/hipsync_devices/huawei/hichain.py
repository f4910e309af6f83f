"""HiChain, the login of today's bands: what its keys follow from, and its messages of JSON.

Operation 1 binds: the wearer taps yes, and the band hands over a token of 32 bytes. Operation 2 authenticates with that
token, at every connection, and gives the key of its messages. Each has steps, and each step is one exchange::

    1  our salt and seed                      the band's salt, identity and proof
    2  our proof                              the band's proof that it has ours
    3  16 random bytes, sealed                the token, sealed with these bytes      (operation 1 only)
    4  a result of 0, sealed                  the end

Source: docs/protocols/huawei.md, 4.5. The maker's published source has the same words from the band's side.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from typing import Any, NamedTuple

from hipsync.errors import MalformedPacket, NotAuthorised
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.ciphers import derived, gcm_decrypted, gcm_encrypted, mac
from hipsync_devices.huawei.tlv import Fields

BIND, AUTHENTICATE = 1, 2
"""The two operations."""
GREETING, PROOF, EXCHANGE, RESULT = 1, 2, 3, 4
"""The steps of an operation."""
JSON, OPERATION, REQUEST, ENDED = 0x01, 0x02, 0x03, 0x04
NUMBERS = {
    (BIND, GREETING): 1, (BIND, PROOF): 2, (BIND, EXCHANGE): 3, (BIND, RESULT): 4,
    (AUTHENTICATE, GREETING): 17, (AUTHENTICATE, PROOF): 18, (AUTHENTICATE, RESULT): 19,
}  # fmt: skip
"""The number of each step's message; the band's answer has it with `ANSWERS` added."""
ANSWERS, FAILED = 0x8000, 0x8080
SALT_BYTES, SEED_BYTES, NONCE_BYTES, TOKEN_BYTES = 16, 32, 12, 32
GROUP = "7B0BC0CBCE474F6C238D9661C63400B797B166EA7849B3A370FC73A9A236E989"
APP, MANAGER = "com.huawei.health", "com.huawei.devicegroupmanage"
LONGEST_JSON = 8192
"""The longest text in bytes that is read; those of the exchange have 200 to 800."""
_VERSION = {"minVersion": "1.0.0", "currentVersion": "2.0.16"}
_SUCCESS = bytes(4)


def root_of(pin: bytes) -> bytes:
    """Return what the keys of operation 1 follow from; those of operation 2 follow from the token."""
    return sha256(pin.hex().upper().encode()).digest()


@dataclass(frozen=True, slots=True)
class Begun:
    """An operation that we began: what we drew for it, and what it rests on."""

    operation: int
    request: int
    """Its number, in milliseconds since 1970 by custom: the same in all of its steps."""
    identity: str
    """The text by which the band knows us, which never changes."""
    root: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    seed: bytes = field(repr=False)

    def greeting(self) -> bytes:
        payload: dict[str, Any] = {
            "isoSalt": _hex(self.salt), "seed": _hex(self.seed), "peerAuthId": self._peer,
            "operationCode": self.operation, "peerUserType": 0, "version": _VERSION,
        }  # fmt: skip
        if self.operation == AUTHENTICATE:
            payload |= {"pkgName": MANAGER, "serviceType": GROUP, "keyLength": 32}
        return self.body(GREETING, payload)

    @property
    def _peer(self) -> str:
        return _hex(self.identity.encode())

    def body(self, step: int, payload: dict[str, Any]) -> bytes:
        """Return the body of the message of a step."""
        outer: dict[str, Any] = {
            "authForm": 0, "payload": payload, "groupAndModuleVersion": "2.0.1",
            "message": NUMBERS[self.operation, step],
        }  # fmt: skip
        if self.operation == BIND:
            outer |= {
                "requestId": str(self.request), "groupId": GROUP, "groupName": "health_group_name", "groupOp": 2,
                "groupType": 256, "peerDeviceId": self.identity, "connDeviceId": self.identity, "appId": APP,
                "ownerName": "",
            }  # fmt: skip
        elif step in {GREETING, PROOF}:
            outer["isDeviceLevel"] = False
        text = json.dumps(outer, separators=(",", ":")).encode()
        numbers = (OPERATION, bytes([self.operation])), (REQUEST, self.request.to_bytes(8, "big"))
        return tlv.encode((JSON, text), *numbers)


@dataclass(frozen=True, slots=True)
class Answered:
    """An operation whose first answer has come, so that its keys are known."""

    begun: Begun
    band_salt: bytes = field(repr=False)
    band_identity: bytes = field(repr=False)

    @classmethod
    def of(cls, begun: Begun, answer: Answer) -> Answered:
        """Take the band's first answer.

        Raises `NotAuthorised` if the band's proof is wrong, and `MalformedPacket` if the answer is no such thing.
        """
        answered = cls(begun, answer.bytes("isoSalt", SALT_BYTES), answer.bytes("peerAuthId"))
        if not compare_digest(answer.bytes("token"), answered.band_token):
            raise NotAuthorised(
                "the band's proof is wrong: it was reset, or paired with another phone since; pair it again"
            )
        return answered

    @property
    def _key(self) -> bytes:
        return mac(self.begun.root, self.begun.seed)

    @property
    def _salts(self) -> bytes:
        return self.begun.salt + self.band_salt

    @property
    def band_token(self) -> bytes:
        """The proof that the band sends."""
        return mac(self._key, self.band_salt + self.begun.salt + self.begun.identity.encode() + self.band_identity)

    @property
    def token(self) -> bytes:
        """The proof that we send."""
        return mac(self._key, self._salts + self.band_identity + self.begun.identity.encode())

    @property
    def receipt(self) -> bytes:
        """What the band sends once it has accepted our proof ("returnCodeMac")."""
        return mac(self._key, _SUCCESS)

    @property
    def session(self) -> bytes:
        return derived(self._key, self._salts, b"hichain_iso_session_key")

    @property
    def traffic(self) -> bytes:
        """The key of 32 bytes for the messages of this connection, after operation 2."""
        return derived(self.session, self._salts, b"hichain_return_key")

    def proof(self) -> bytes:
        return self.begun.body(
            PROOF, {"peerAuthId": _hex(self.begun.identity.encode()), "version": _VERSION, "token": _hex(self.token)}
        )

    def judge(self, answer: Answer) -> None:
        """Judge the band's answer to our proof. Raises `NotAuthorised` if it does not know the key."""
        if not compare_digest(answer.bytes("returnCodeMac"), self.receipt):
            raise NotAuthorised(
                "the band's receipt is wrong: it was reset, or paired with another phone; pair it again"
            )

    def exchange(self, challenge: bytes, nonce: bytes) -> bytes:
        """Return the body that asks for the token; `challenge` are 16 random bytes."""
        sealed = gcm_encrypted(self.session, nonce, challenge, b"hichain_iso_exchange")
        return self.begun.body(EXCHANGE, {"encData": _hex(sealed), "version": _VERSION, "nonce": _hex(nonce)})

    def token_in(self, answer: Answer, challenge: bytes) -> bytes:
        """Return the token of 32 bytes that the band hands over. Raises `MalformedPacket` if it is none."""
        sealed = answer.bytes("encAuthToken")
        token = gcm_decrypted(self.session, answer.bytes("nonce", NONCE_BYTES), sealed, challenge)
        if len(token) != TOKEN_BYTES:
            raise MalformedPacket("a token has 32 bytes", sealed)
        return token

    def result(self, nonce: bytes) -> bytes:
        sealed = gcm_encrypted(self.session, nonce, _SUCCESS, b"hichain_iso_result")
        payload = {"operationCode": self.begun.operation, "encResult": _hex(sealed)}
        return self.begun.body(RESULT, {**payload, "version": _VERSION, "nonce": _hex(nonce)})


class Members(dict[str, Any]):
    """The members of an object of JSON, as a type of its own, so that its values are known to be anything."""


class Answer(NamedTuple):
    """A message of the band's: its JSON, and the number of the operation that has ended with it (0 if none has)."""

    number: int
    payload: Members
    ended: int
    raw: bytes

    @classmethod
    def decode(cls, body: bytes) -> Answer:
        """Decode a message of HiChain. The last one of an operation has a name in the place of JSON.

        Raises `NotAuthorised` if the band reports an error, and `MalformedPacket` if the message is none.
        """
        fields = Fields.decode(body)
        ended = fields.number(ENDED, 0)
        if ended:
            return cls(0, Members(), ended, body)
        outer = _object(fields.value(JSON), body)
        payload = outer.get("payload")
        number = outer.get("message")
        failed = outer.get("errorCode") or (payload.get("errorCode") if isinstance(payload, Members) else None)
        if failed or number == FAILED:
            raise NotAuthorised(f"the band refuses the pairing{_told(failed)}: pair it again")
        if not isinstance(payload, Members) or not isinstance(number, int):
            raise MalformedPacket("a message of HiChain without its parts", body)
        return cls(number, payload, 0, body)

    def bytes(self, name: str, size: int | None = None) -> bytes:
        """Return the bytes that a member of the payload has as text of hexadecimal digits.

        Raises `MalformedPacket` if it is absent or no such text, or if it has not `size` bytes.
        """
        text = self.payload.get(name)
        try:
            value = bytes.fromhex(text) if isinstance(text, str) else None
        except ValueError:
            value = None
        if value is None or (size is not None and len(value) != size):
            raise MalformedPacket(f"a message of HiChain without a right {name}", self.raw)
        return value


def _object(text: bytes, body: bytes) -> Members:
    if len(text) > LONGEST_JSON:
        raise MalformedPacket("a text that is too long for HiChain", body)
    try:
        found = json.loads(text.rstrip(b"\0"), object_hook=Members)
    except (ValueError, RecursionError) as error:  # a text that is no UTF-8 is a ValueError too
        raise MalformedPacket("not JSON", body) from error
    if not isinstance(found, Members):
        raise MalformedPacket("not an object of JSON", body)
    return found


def _told(code: object) -> str:
    return f" (error {code})" if isinstance(code, int) else ""


def _hex(data: bytes) -> str:
    return data.hex().upper()
