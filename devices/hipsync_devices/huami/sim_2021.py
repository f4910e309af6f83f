"""Simulated bands of the newer generation: they have the memory of the classic ones, but another transport.

`MiBand6`  a Mi Band 6 with newer firmware: it refuses the classic login with status 07, and after the newer login it is
           classic in everything else
`MiBand7`  also demands another form of the clock, answers in the offset of the request, has its battery on an endpoint,
           and refuses a fetch until the round before is acknowledged; by our guess it does so even in a new connection,
           because nobody has recorded what a lost link changes
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from functools import cache
from typing import Unpack

from hipsync.driver import Advertisement
from hipsync.errors import MalformedPacket
from hipsync.model import Epoch
from hipsync.simulated import Refused, Service
from hipsync_devices import gatt
from hipsync_devices.huami import chunked, ecdh, endpoints, packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.chunked import TO_BAND, TO_PHONE, Assembly, Keys, Message
from hipsync_devices.huami.endpoints import Challenge, Hello, Proof, Settings
from hipsync_devices.huami.packets import CurrentTime, Reply
from hipsync_devices.huami.sim import BAD_REQUEST, MiBand
from hipsync_devices.simulator import OUT_OF_RANGE, Given, can

NO_KEY = 0x02
"""The status with which a band that no account owns refuses a login. It is a guess: nobody has recorded it."""
public_key = cache(ecdh.public_key)
"""Returns the public key of a private number. It is cached, because a simulated band never changes its number."""


class GivenNewer(Given, total=False):
    """The keyword arguments of the simulated bands of the newer generation."""

    name: str
    firmware: str
    round_minutes: int
    seed: int


class MiBand6(MiBand):
    """A simulated Mi Band 6 on a wrist. Without a `secret` it has no owner, and refuses every login.

    It implements `hipsync.simulated.Simulator`.
    """

    serial = b"5a6f01b20c66"
    default_name, default_firmware = "Mi Smart Band 6", "V1.0.6.16"

    def __init__(self, life: Sequence[Epoch], **given: Unpack[GivenNewer]) -> None:
        self.private: int | None = None
        """The private number of the band's key agreement; None until one is made from `seed`."""
        self.wants_receipts = False
        """Whether the band asks for a receipt of each message."""
        self.receipts: list[bytes] = []
        self.services_sealed = {
            endpoints.SERVICES: False, endpoints.CONFIGURATION: True, endpoints.CONNECTION: False,
            endpoints.BATTERY: False, endpoints.CLOCK: True, endpoints.LOGIN: False,
        }  # fmt: skip
        """The band's endpoints, each with whether its messages are encrypted."""
        self.settings: list[Settings] = []
        """The settings that clients have written to the band."""
        super().__init__(life, **given)

    def _forget_connection(self) -> None:
        super()._forget_connection()
        self._assembly = Assembly()
        self._agreed: tuple[Keys, bytes] | None = None
        self._handle = self._heard_handle = self._sequence = 0

    def services(self) -> Sequence[Service]:
        chunks = tuple(can(uuid, "write-without-response", "notify") for uuid in (TO_BAND, TO_PHONE))
        return [
            Service(service.uuid, service.characteristics + chunks) if service.uuid == packets.FEE0 else service
            for service in super().services()
        ]

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        if characteristic == TO_BAND:
            self._live(now)
            self._take(data)
        elif characteristic == TO_PHONE:
            self.receipts.append(data)
        else:
            super().write(characteristic, service, data, now)

    def _take(self, chunk: bytes) -> None:
        if (receipt := chunked.receipt_for(chunk)) is not None:
            self._client.send(TO_BAND, receipt.encode())
        try:
            message = self._assembly.take(chunk)
            if message is not None:
                self._hear(message)
        except MalformedPacket:
            return  # the band ignores messages that it cannot read

    def _hear(self, message: Message) -> None:
        """Receive a message. It is ignored if it is out of order, not encrypted as demanded, or before the login."""
        logs_in = message.endpoint == endpoints.LOGIN
        begins = logs_in and message.payload[:1] == bytes([endpoints.HELLO])
        if message.handle != self._heard_handle + 1 & 0xFF and not begins:
            return
        self._heard_handle = message.handle
        if logs_in:
            self._greet(message.payload) if begins else self._judge_proof(message.payload)
        elif self._authenticated and self.services_sealed.get(message.endpoint) in {False, message.encrypted}:
            self._serve(message.endpoint, message.payload)

    def _serve(self, endpoint: int, payload: bytes) -> None:
        if endpoint == endpoints.SERVICES and payload == bytes([endpoints.ASK]):
            self.send(endpoint, endpoints.encode_services(self.services_sealed))
        elif endpoint == endpoints.BATTERY and payload == bytes([endpoints.ASK]):
            self.send(endpoint, endpoints.encode_battery(self.battery, self._quarters))
        elif endpoint == endpoints.CONNECTION and payload == bytes([endpoints.ASK]):
            self.send(endpoint, bytes([endpoints.ANSWER]))
        elif endpoint == endpoints.CLOCK:
            endpoints.decode_clock(payload)
            try:
                self._set_clock(payload[1:])
            except Refused:
                self.send(endpoint, bytes([endpoints.CLOCK_SET, BAD_REQUEST]))
            else:
                self.send(endpoint, bytes([endpoints.CLOCK_SET, packets.SUCCESS]))
        elif endpoint == endpoints.CONFIGURATION:
            self.settings.append(Settings.decode(payload))
            self.send(endpoint, bytes([endpoints.CONFIGURATION_SET, packets.SUCCESS]))

    def send(self, endpoint: int, payload: bytes) -> None:
        """Send a message from an endpoint, as an answer or without being asked."""
        self._handle = self._handle + 1 & 0xFF
        message = Message(self._handle, endpoint, payload, self.services_sealed.get(endpoint, False))
        keys, self._sequence = self._assembly.keys, self._sequence + 1
        for chunk in chunked.encode(message, self.mtu - 3, keys, self._sequence, wants_receipt=self.wants_receipts):
            self._client.send(TO_PHONE, chunk)

    def _greet(self, payload: bytes) -> None:
        hello = Hello.decode(payload)
        self._handle, self._authenticated, self._assembly.keys = 0, False, None
        if self._key is None:
            self.send(endpoints.LOGIN, bytes([packets.RESPONSE, endpoints.HELLO, NO_KEY]))
            return
        if self.private is None:
            self.private = ecdh.private_key(self._random.randbytes)
        random, self.challenge = self.challenge or self._random.randbytes(16), None
        keys = Keys.agreed(ecdh.shared_secret(self.private, hello.public), self._key)
        self._agreed = (keys, random)
        self.send(endpoints.LOGIN, Challenge(random, public_key(self.private)).encode())

    def _judge_proof(self, payload: bytes) -> None:
        proof, agreed, self._agreed = Proof.decode(payload), self._agreed, None
        if agreed is None or self._key is None:
            return
        keys, random = agreed
        right = proof == Proof(answer(self._key, random), answer(keys.session, random))
        status = endpoints.WRONG_KEY
        if right:
            status = packets.SUCCESS if self.faults.refuse_login is None else self.faults.refuse_login
        self._authenticated = status == packets.SUCCESS
        self.send(endpoints.LOGIN, bytes([packets.RESPONSE, endpoints.PROOF, status]))
        if self._authenticated:
            self._assembly.keys = keys

    def _judge(self, proof: bytes, crypt: int) -> None:
        del proof
        self._reply(packets.ANSWER_CHALLENGE, packets.AUTH_NEEDS_2021, crypt)


class MiBand7(MiBand6):
    """A simulated Mi Band 7 on a wrist. It implements `hipsync.simulated.Simulator`."""

    serial = b"5a6f01b20c77"
    default_name, default_firmware = "Xiaomi Smart Band 7", "V1.27.0.4"

    def __init__(self, life: Sequence[Epoch], **given: Unpack[GivenNewer]) -> None:
        self.owed = False
        """Whether the client has not acknowledged the last round yet, so that the band refuses the next one."""
        super().__init__(life, **given)
        self.faults.long_answers = True

    def advertisement(self) -> Advertisement:
        return Advertisement(name=self.name, services=frozenset({packets.FEE0}))

    def services(self) -> Sequence[Service]:
        """Return the services of a Mi Band 6, but without classic login, battery, live steps, text and settings."""
        gone = {
            packets.BATTERY, packets.REALTIME_STEPS, packets.CONFIGURATION, packets.CHUNKED, packets.AUTHENTICATION,
        }  # fmt: skip
        return [
            Service(service.uuid, tuple(each for each in service.characteristics if each.uuid not in gone))
            for service in super().services()
            if service.uuid != gatt.ALERT_NOTIFICATION
        ]

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        if characteristic == gatt.CURRENT_TIME and self._authenticated:
            self._live(now)
            return CurrentTime(self.clock(), self._quarters).encode_newer()
        return super().read(characteristic, service, now)

    def _set_clock(self, data: bytes) -> None:
        try:
            clock = CurrentTime.decode(data)
        except MalformedPacket as error:
            raise Refused(OUT_OF_RANGE) from error
        if clock.instant is None or len(data) != 11:
            raise Refused(OUT_OF_RANGE)
        sunday_first = clock.instant.astimezone(timezone(clock.quarters * packets.QUARTER)).isoweekday() % 7
        if data[7] != sunday_first:
            raise Refused(OUT_OF_RANGE)
        super()._set_clock(data)

    def _control(self, data: bytes) -> None:
        if data[:1] == bytes([packets.START]) and self.owed:
            self._client.send(packets.FETCH, Reply(packets.START, packets.FETCH_OWED).encode())
        elif data == bytes([packets.ACKNOWLEDGE, packets.KEEP]):
            self._delivered, self._armed = [], []
            self._acknowledged()
        elif data == bytes([packets.ACKNOWLEDGE, packets.DROP]):
            self._acknowledged()
        elif data[:1] != bytes([packets.ACKNOWLEDGE]):
            super()._control(data)

    def _arm(self, data: bytes) -> bool:
        self.owed = super()._arm(data)
        return self.owed

    def _acknowledged(self) -> None:
        self.owed = False
        super()._acknowledged()

    def _offset_of_answers(self, request: bytes) -> int:
        return int.from_bytes(request[9:10], "little", signed=True)
