"""A client of a simulated Garmin watch, written by hand, which answers what a test tells it to answer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from hipsync.simulated import HangUp, Notification
from hipsync_devices.garmin import cobs, files, gfdi, multilink
from hipsync_devices.garmin.gfdi import Answer, Clock, Device, Frame, Kind
from hipsync_devices.garmin.multilink import Registered
from hipsync_devices.garmin.sim import LANES, GarminWatch


class Hand:
    """Connects to a watch on one lane, and keeps apart what comes on each handle."""

    def __init__(self, watch: GarminWatch, now: datetime, *, lane: int = 0, mtu: int = 247) -> None:
        self.watch, self.now = watch, now
        self._notify, self._write = LANES[lane]
        self.controls: list[bytes] = []
        self.live: list[bytes] = []
        """What came on handles other than that of GFDI, with the handle."""
        self.frames: list[Frame] = []
        self.hung_up = False
        self._gfdi: int | None = None
        self._stream = cobs.Stream()
        watch.mtu = mtu
        watch.connected(now)
        watch.on_subscribe(self._notify, True, now)

    def write(self, data: bytes) -> None:
        self.watch.write(self._write, multilink.SERVICE, data, self.now)
        self.hear()

    def later(self, length: timedelta) -> None:
        self.now += length
        self.hear()

    def hear(self) -> None:
        for event in self.watch.advance(self.now):
            if isinstance(event, HangUp):
                self.hung_up = True
            else:
                self._heard(event)

    def _heard(self, event: Notification) -> None:
        if event.data[0] == 0:
            self.controls.append(event.data)
            answer = multilink.decode_control(event.data)
            if isinstance(answer, Registered) and answer.service == 1 and not answer.status:
                self._gfdi = answer.handle
        elif event.data[0] == self._gfdi:
            self.frames += [Frame.decode(held) for held in self._stream.take(event.data[1:])]
        else:
            self.live.append(event.data)

    def register(self, service: int) -> Registered:
        self.write(multilink.register(service))
        found = [multilink.decode_control(data) for data in self.controls]
        return next(each for each in reversed(found) if isinstance(each, Registered) and each.service == service)

    # ------------------------------------------------------------------ GFDI

    def send(self, frame: Frame) -> None:
        assert self._gfdi is not None
        for packet in multilink.pieces(self._gfdi, cobs.encode(frame.encode()), self.watch.mtu - 3):
            self.write(packet)

    def taken(self) -> list[Frame]:
        """The frames that came since this was last asked."""
        taken, self.frames = self.frames, []
        return taken

    def asked(self, kind: int) -> Frame:
        """The last frame of a kind that came."""
        return next(frame for frame in reversed(self.frames) if frame.kind == kind)

    def answer_to(self, kind: int) -> Answer:
        answers = [Answer.decode(frame.payload) for frame in self.frames if frame.kind == Kind.ANSWER]
        return next(each for each in reversed(answers) if each.kind == kind)

    def open(self, capabilities: Collection[int] = (0, 3, 4, 5, 9, 29, 64, 71)) -> None:
        """Say who we are and what we can, and tell the time."""
        self.register(1)
        device = Device.decode(self.asked(Kind.DEVICE_INFORMATION).payload)
        host = gfdi.host(device, name="hand", maker="hand", model="hand", software=100)
        self.send(gfdi.answered(Frame(Kind.DEVICE_INFORMATION), rest=host.encode()))
        self.send(gfdi.answered(self.asked(Kind.CONFIGURATION)))
        self.send(Frame(Kind.CONFIGURATION, gfdi.encode_capabilities(capabilities)))
        self.tell_time(timedelta())

    def tell_time(self, offset: timedelta) -> None:
        asked = self.asked(Kind.CURRENT_TIME)
        clock = Clock(gfdi.reference(asked.payload), self.now, offset)
        self.send(gfdi.answered(asked, rest=clock.encode()))

    def fetch(self, index: int) -> bytes:
        """Download a file, and answer each piece."""
        self.taken()
        self.send(files.download(index))
        size = files.announced(self.answer_to(Kind.DOWNLOAD))
        assert size is not None
        download = files.Download(size)
        while download.whole is None:
            pieces = [files.Piece.decode(frame.payload) for frame in self.taken() if frame.kind == Kind.FILE_DATA]
            assert pieces, "the file does not come"
            for piece in pieces:
                self.send(gfdi.answered(Frame(Kind.FILE_DATA), rest=download.take(piece).encode()))
        return download.whole
