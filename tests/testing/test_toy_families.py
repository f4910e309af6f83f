"""Two toy families that need a dialogue keep every rule, and each rule on dialogues finds the driver that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from hipsync.driver import Dialogue, Driver, Link, Session
from hipsync.model import Reading
from hipsync.testing.pairing import a_secret_survives_a_kill_at_any_instant
from hipsync.testing.rules import RULES, Case, Rule, its_abilities_are_true
from hipsync.testing.together import (
    a_band_that_asks_is_answered_in_time,
    a_message_is_never_interleaved,
    nothing_is_answered_twice,
)
from support import handles_band, sealed_band
from support.handles_band import Handles, HandlesBand
from support.sealed_band import Sealed, SealedBand

FAMILIES: dict[str, tuple[Driver, Callable[..., SealedBand | HandlesBand]]] = {
    "sealed": (sealed_band.DRIVER, SealedBand),
    "handles": (handles_band.DRIVER, HandlesBand),
}


EVERY = pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.ring)])


@EVERY
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("key", FAMILIES)
def test_it_keeps_the_rule(key: str, rule: Rule, every: int) -> None:
    rule(Case(*FAMILIES[key], every=every))


@EVERY
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("key", FAMILIES)
def test_a_band_of_it_that_cannot_vibrate_keeps_the_rule_too(key: str, rule: Rule, every: int) -> None:
    driver, band = FAMILIES[key]
    rule(Case(driver, partial(band, buzzes=False), every=every))


# ------------------------------------------------------------------ drivers that break a rule


class TwoListeners(Sealed):
    """Every coroutine that waits acknowledges for itself, as with separate inboxes."""

    async def received(self, at: datetime, frame: sealed_band.Frame) -> None:
        await self.write(sealed_band.Frame(sealed_band.ACKNOWLEDGES, frame.number).encode())
        await super().received(at, frame)


class InPieces(Sealed):
    """It writes each part of a message by itself."""

    async def write(self, data: bytes) -> None:
        for part in sealed_band.cut(data, self.link.write_size):
            await self.link.write(sealed_band.UP, part)


class NumbersBeforeItsTurn(Sealed):
    """It takes the number of a message before it is that message's turn to be sent."""

    async def post(self, about: int, content: bytes = b"") -> None:
        number, self.sent = self.sent & 0xFF, self.sent + 1
        message = bytes([about]) + content
        sealed = self.up is not None
        payload = bytes([2 if sealed else 1]) + (self.up.seal(message) if self.up is not None else message)
        if about == sealed_band.BUZZ:
            await self.link.pause(timedelta(seconds=0.1))
        await self.write(sealed_band.Frame(3, number, payload).encode())


class AcknowledgesAtLeisure(Sealed):
    """It has something else to do first when a frame comes."""

    async def received(self, at: datetime, frame: sealed_band.Frame) -> None:
        if self.abilities.live:
            await self.link.pause(timedelta(seconds=8))
        await super().received(at, frame)


class NeverAnswers(Handles):
    """It leaves the band's questions to whoever fetches, and nobody does."""

    async def heard(self, message: handles_band.Message) -> None:
        if message.word not in {handles_band.DEVICE, handles_band.CLOCK}:
            await super().heard(message)


class AnswersTwice(Handles):
    """It answers what it has answered before."""

    async def heard(self, message: handles_band.Message) -> None:
        await super().heard(message)
        await super().heard(message)


class KeepsTooLate(Handles):
    """It keeps the token once the band has confirmed that it relies on it."""

    async def let_in(self) -> handles_band.Message:
        if self.session.secret is not None:
            return await super().let_in()
        said = await self.ask(handles_band.HELLO, b"", handles_band.TAP_WITHIN)
        welcome = await self.ask(handles_band.CONFIRM)
        await self.session.keep(said.content)
        return welcome


class ForgetsItsSecret(Handles):
    """It pairs anew although it was given what the band handed over in a pairing that was killed."""

    async def let_in(self) -> handles_band.Message:
        self.session = replace(self.session, secret=None) if self.session.pairing else self.session
        return await super().let_in()


class TrustsItsSecret(Handles):
    """It does not begin anew when the band does not know the secret of a pairing that was killed."""

    async def let_in(self) -> handles_band.Message:
        if (token := self.session.secret) is not None:
            return await self.ask(handles_band.HELLO, handles_band.proof(token))
        return await super().let_in()


class Boasts(Sealed):
    """It says of a band what no band of its family can do."""

    async def open(self) -> Sequence[Reading]:
        readings = await super().open()
        self.abilities = replace(self.abilities, sleep=True)
        return readings


Begin = Callable[[Link, Session], Dialogue]


@pytest.mark.parametrize(
    ("begin", "rule", "complaint"),
    [
        (TwoListeners, nothing_is_answered_twice, r"twice: .* was acknowledged 2 times"),
        (AnswersTwice, nothing_is_answered_twice, r"twice: .* was answered once more"),
        (AnswersTwice, a_band_that_asks_is_answered_in_time, r"was answered once more"),
        (InPieces, a_message_is_never_interleaved, "interleaved|did not answer"),
        (NumbersBeforeItsTurn, a_message_is_never_interleaved, "interleaved|did not answer"),
        (AcknowledgesAtLeisure, a_band_that_asks_is_answered_in_time, r"late or twice: .* was not acknowledged within"),
        (NeverAnswers, a_band_that_asks_is_answered_in_time, r"late or twice: .* was not answered within"),
        (Boasts, its_abilities_are_true, r"more than its driver says: \['sleep'\]"),
        (KeepsTooLate, a_secret_survives_a_kill_at_any_instant, r"locked out after a kill at instant \d+"),
        (ForgetsItsSecret, a_secret_survives_a_kill_at_any_instant, r"locked out after a kill at instant \d+"),
        (TrustsItsSecret, a_secret_survives_a_kill_at_any_instant, r"locked out after a kill at instant \d+"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_driver_that_breaks_the_rule_is_found(begin: Begin, rule: Rule, complaint: str) -> None:
    driver, band = FAMILIES["sealed" if isinstance(begin, type) and issubclass(begin, Sealed) else "handles"]
    with pytest.raises(AssertionError, match=complaint):
        rule(Case(replace(driver, begin=begin), band))
