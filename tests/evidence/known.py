"""What only people know: why a vector is not met, and which real bands users reported to work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NO_USE = "hipsync needs nothing of it: offered to the driver, which leaves it alone"
UNCERTAIN = "nobody can decode PAMS with certainty: offered to the driver, which leaves it alone"
DOUBTED = "those who found it doubt what it means: read as they do or refused, and counted for nothing"
NOT_CLAIMED = "hipsync does not claim that it can do this, so no watch asks: what asks all the same is told so"
NO_SOURCE = "of one source, which never tried it on a watch: hipsync pairs by the system's bond"
NOT_HERE = "the file belongs to Garmin's SDK, and is not here"
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
    **dict.fromkeys(("auth-xxtea", "auth-confirm", "auth-session-key"), NO_SOURCE),
    "fit-MonitoringFile-sdk": NOT_HERE,
}  # fmt: skip
"""Why a vector is not met, by its id, for families that have a driver."""
REPORTED: Mapping[str, Sequence[str]] = {}
"""The real bands that users reported, by family, each with where they did."""
