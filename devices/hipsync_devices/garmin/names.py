"""How Garmin's watches and bands are recognised: by their names, one a model; source: docs/protocols/garmin.md, 2.1.

Names count without accents (`vívosmart`) and in upper or lower case. Garmin's bicycle computers, handhelds, golf
watches and straps have the same protocol and no minutes, so they are left out. Whether a watch advertises its service
nobody has written down, so what its owner has renamed is not recognised.
"""

from __future__ import annotations

import re
import unicodedata

from hipsync.driver import Advertisement

SIZE = r"( - [0-9]{2}mm)?"
MODELS = re.compile(
    "(garmin )?("
    + "|".join(
        (
            r"vivosmart [345]", r"vivosport", r"vivomove (hr|style|trend|sport)", r"vivoactive( ?\*?[3-6]| ?4s| hr)",
            r"lily 2( active)?", rf"venu( 2| 2s| 2 plus| 3| 3s| x1| 4{SIZE}| sq| sq 2)?",
            r"forerunner (35|45s?|55|165( music)?|170|235|245( music)?|255s?( music)?|265s?|570|620|630|645( music)?)",
            r"forerunner (735xt|745|920(xt)?|935|945|955|965)",
            r"instinct( solar| dual power.*| tactical| solar tac| crossover.*)?",
            r"instinct 2[sx]?( solar| surf| soltac| sol| tactical)?", rf"instinct (3|e){SIZE}( tac)?",
            r"fenix (3( hr)?|5[sx]?( plus)?)", rf"fenix ([67][sx]?( pro)?( sapphire| solar)*|8{SIZE})",
            rf"epix( pro)?{SIZE}", r"enduro( [23])?", r"swim 2", rf"descent (g[12]|mk[123].*){SIZE}",
            rf"(quatix|tactix) [78].*{SIZE}", r"marq.*", r"uat-(4315|4261)",
        )
    )
    + ")"
)  # fmt: skip
"""Folded names. The two last are what a Forerunner 965 and a Venu 3S call themselves."""


def matches(advertisement: Advertisement) -> bool:
    """Whether a device advertises the name of a model of this family."""
    plain = unicodedata.normalize("NFKD", advertisement.name or "").casefold()
    folded = "".join(each for each in plain if not unicodedata.combining(each))
    return MODELS.fullmatch(folded) is not None
