"""Which driver a device is offered to."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from hipsync.driver import Abilities, Advertisement, Driver, Link, Session
from hipsync.model import Reading
from hipsync.registry import claimants, driver_key, drivers, simulator
from hipsync_devices import gatt
from support.builders import MONDAY


def driver(key: str, *, generic: bool = False, takes: bool = True) -> Driver:
    async def opened(link: Link, session: Session) -> Sequence[Reading]:
        return []

    return Driver(key, key, Abilities(), lambda _: "none", lambda _: takes, opened, generic=generic)


def keys(known: Sequence[Driver], advertisement: Advertisement) -> list[str]:
    return [taker.key for taker in claimants(advertisement, {each.key: each for each in known})]


def test_a_generic_driver_comes_after_all_others_whatever_its_key() -> None:
    known = [driver("any", generic=True), driver("mi"), driver("colmi"), driver("bangle", takes=False)]
    assert keys(known, Advertisement(name="Band")) == ["colmi", "mi", "any"]


def test_it_is_offered_what_nobody_else_takes() -> None:
    known = [driver("mi", takes=False), driver("any", generic=True)]
    assert keys(known, Advertisement(name="Band")) == ["any"]


def test_a_driver_that_fails_to_judge_is_passed_over() -> None:
    def broken(_: Advertisement) -> bool:
        raise ZeroDivisionError

    failing = Driver("bad", "bad", Abilities(), lambda _: "none", broken, driver("bad").open)
    assert keys([failing, driver("mi")], Advertisement()) == ["mi"]


def test_a_family_that_advertises_a_heart_rate_keeps_its_own_driver() -> None:
    known = drivers()
    watch = simulator("infinitime")([], now=MONDAY, zone=ZoneInfo("UTC")).advertisement()
    assert gatt.HEART_RATE in watch.services
    assert keys(list(known.values()), watch) == ["infinitime", "sig"]
    strap = Advertisement(name="Strap 7", services=frozenset({gatt.HEART_RATE}))
    assert keys(list(known.values()), strap) == ["sig"]


def test_a_family_may_have_several_simulated_bands() -> None:
    assert [driver_key(kind) for kind in ("xiaomi", "xiaomi-8", "no-such", "huami-8", "huawei-honor3", "")] == [
        "xiaomi", "xiaomi", "no-such", "huami", "huawei", "",
    ]  # fmt: skip
    made = [simulator(kind)([], now=MONDAY, zone=ZoneInfo("UTC")).advertisement() for kind in ("xiaomi", "xiaomi-8")]
    assert [each.name for each in made] == ["Xiaomi Smart Band 9 Active 21D0", "Xiaomi Smart Band 8 21D0"]
    assert all(keys(list(drivers().values()), each) == ["xiaomi"] for each in made)
