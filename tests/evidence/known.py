"""What only people know: why a vector is not met, and which real bands users reported to work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NO_USE = "hipsync needs nothing of it: offered to the driver, which leaves it alone"
UNCERTAIN = "nobody can decode PAMS with certainty: offered to the driver, which leaves it alone"
DOUBTED = "those who found it doubt what it means: read as they do or refused, and counted for nothing"
NOT_CLAIMED = "hipsync does not claim that it can do this, so no watch asks: what asks all the same is told so"
NOT_ASKED = "hipsync never asks a watch for this, and no watch tells it unasked"
NOT_WRITTEN = "hipsync never writes this to a watch: it is another feature than steps, and some of it is stored there"
NO_TEXT = "hipsync shows no text on these watches yet, and is told nothing of texts"
NO_PHONE = "it searches for a phone, and hipsync is none: nobody answers"
NEXT_CHANGE = "the clock is said so; the next change of the clocks is not, because each contact sets the clock"
NOT_HERE = "the file belongs to Garmin's SDK, and is not here"
READ_OTHERWISE = "read otherwise than by the peer that made it, as docs/protocols/huawei.md says why"
NOT_MET: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "bsl-wrist", "bsl-ear", "rscf-all", "rscf-13", "sccp-ok", "lti-1-dst", "lti-minus1", "tz-15min", "dst-4",
            "rti-ntp", "ans-email", "ans-mask", "ans-cp", "pnp-usb", "sedentary-30",
        ),
        NO_USE,
    ),
    **dict.fromkeys(("pams-feat-hr", "pams-scas-min", "pams-gai-min", "pams-cp-enq"), UNCERTAIN),
    **dict.fromkeys(("lef-03-5b", "bj-notify-lower"), DOUBTED),
    **dict.fromkeys(
        (
            "calories", "intensity-garmin-ble", "stress", "spo2", "body-battery-fr255", "respiration", "accel-face-up",
            "accel-face-up-3", "accel-face-down", "accel-shaken",
        ),
        NO_USE,
    ),
    **dict.fromkeys(
        (
            "pb-filelist-first", "pb-filelist-response", "pb-filerequest", "pb-mark-synced",
        ),
        NOT_CLAIMED,
    ),
    "fit-MonitoringFile-sdk": NOT_HERE,
    **dict.fromkeys(
        (
            "zepp-find-caps-helio", "zepp-find-caps-active2-gtr4", "gb-find-ask-capabilities",
            "zepp-config-caps-helio", "zepp-doc-hrv", "gb-mtu-ask", "bio-hr6-0", "bio-hr6-2", "bio-stress-auto",
            "zepp-sleep-session",
        ),
        NOT_ASKED,
    ),
    **dict.fromkeys(
        ("gb-find-from-band-020102", "gb-mtu-02f400", "gb-mtu-021400", "gb-silent-05", "gb-silent-0700"), NO_USE
    ),
    **dict.fromkeys(
        ("gb-find-phone-stop", "gb-find-from-band-11", "gb-find-from-band-1500", "gb-find-from-band-13"), NO_PHONE
    ),
    **dict.fromkeys(
        (
            "zepp-notify-caps-gtr4", "gb-notify-ask-capabilities", "gb-notify-delete", "gb-call-end",
            "gb-call-start-number", "gb-notify-none-2", "gb-notify-v4-0", "gb-notify-v5-gtr4-0", "gb-notify-v5-gtr4-1",
            "gb-notify-v5-gtr4-3", "gb-notify-v5-gtr4-4", "gb-notify-v5-active2-2", "gb-notify-v5-active2-3",
            "gb-notify-v5-nopic-2", "gb-notify-v5-key-only-0", "gb-notify-from-band-0503", "gb-notify-from-band-0502",
            "gb-notify-from-band-0444",
        ),
        NO_TEXT,
    ),
    **dict.fromkeys(
        (
            "gb-vibration-IDLE_ALERTS-0-1", "gb-vibration-IDLE_ALERTS-0-3-play", "gb-vibration-IDLE_ALERTS-1-1",
            "gb-vibration-IDLE_ALERTS-1-3-play", "gb-vibration-IDLE_ALERTS-2-1", "gb-vibration-IDLE_ALERTS-2-3-play",
            "gb-vibration-IDLE_ALERTS-3-1", "gb-vibration-IDLE_ALERTS-3-3-play", "gb-vibration-IDLE_ALERTS-4-1",
            "gb-vibration-IDLE_ALERTS-4-3-play", "gb-vibration-FIND_BAND-2-1", "gb-vibration-FIND_BAND-2-3-play",
            "gb-vibration-default",
        ),
        NOT_WRITTEN,
    ),
    **dict.fromkeys(
        (
            "gb-time-Australia/Sydney", "gb-time-America/St_Johns", "gb-time-America/Los_Angeles",
            "gb-time-Pacific/Chatham",
        ),
        NEXT_CHANGE,
    ),
    **dict.fromkeys(
        (
            "gb-varint-2097152", "gb-iv-counter-max", "gb-time-Pacific-Marquesas-1700000000",
            "gb-negotiation-answer-7f0401020304", "gb-minute-offset-255",
            "gbtest-deviceconfig-ProductInformationResponseException0A-rawProductInformation",
        ),
        READ_OTHERWISE,
    ),
}  # fmt: skip
"""Why a vector is not met, by its id, for families that have a driver."""
OF_TWO = {"gb-find-phone-stop": "huami"}
"""Ids that vectors of two families have, each with the family of which `NOT_MET` speaks."""
REPORTED: Mapping[str, Sequence[str]] = {}
"""The real bands that users reported, by family, each with where they did."""
