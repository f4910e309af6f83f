"""What Gadgetbridge's codes of workouts mean; their source is docs/protocols/workouts.md, "Gadgetbridge database"."""

from __future__ import annotations

from collections.abc import Mapping

from hipsync.model import WorkoutKind

TABLE = "BASE_ACTIVITY_SUMMARY"
COLUMNS = ("START_TIME", "END_TIME", "ACTIVITY_KIND")
"""The columns of `TABLE` that are read, beside the device's: begin and end in milliseconds since 1970, and the code."""

_CODES: Mapping[WorkoutKind, tuple[int, ...]] = {
    WorkoutKind.CYCLING: (
        0x80, 0x04000003, 0x04000004, 0x040000B3, 0x040000B9, 0x04000119, 0x04000120, 0x04000122, 0x04000123,
        0x04000126, 0x04000128, 0x0400013C,
    ),
    WorkoutKind.CYCLING_INDOOR: (0x800, 0x0400005F, 0x040000D9),
    WorkoutKind.ROWING: (0x04000016,),
    WorkoutKind.ROWING_MACHINE: (0x10000,),
    WorkoutKind.RUNNING: (
        0x10, 0x04000001, 0x04000067, 0x040000B0, 0x040000B1, 0x040000F2, 0x04000130, 0x04000132, 0x04000133,
        0x04000135,
    ),
    WorkoutKind.WALKING: (0x20, 0x04000012, 0x040000B2, 0x040000D5, 0x400000, 0x040000E2, 0x040000F1),
    WorkoutKind.TREADMILL: (0x100,),
}  # fmt: skip
KINDS: Mapping[int, WorkoutKind] = {code: kind for kind, codes in _CODES.items() for code in codes}
"""The kinds of workouts by Gadgetbridge's code. Every other code is `WorkoutKind.OTHER`."""
