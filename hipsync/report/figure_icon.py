"""The still figure of an exercise as a picture for a notice: an SVG file that stands alone, legible when it is small.

Notice servers draw it on a ground of any colour, light or dark, so it brings its own: a light card. Each line carries
its colours itself, because not every server's SVG library reads style sheets. It holds no text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hipsync.core.figures import Figure
from hipsync.report.figure_svg import box_of, still_parts

PIXELS = 128
"""How large it is where nobody scales it. dunst shows it at 32, xfce4-notifyd and notification-daemon at 48 pixels."""
ROOM = 1.06
"""How large the card is beside the figure."""
CARD, BODY, FAR, GOES, PROP, MARK = "#fbfaf7", "#26364b", "#8a98ab", "#0b67ad", "#b3a78f", "#e69a00"
"""The colours of the page in the light (`page.css`)."""
INK: Mapping[str, str] = {
    "prop": f'stroke="{PROP}" stroke-width="5"',
    "near": f'stroke="{BODY}"',
    "far": f'stroke="{FAR}"',
    "goes": f'stroke="{GOES}"',
    "edge": f'stroke="{CARD}"',
    "ghost": f'stroke="{BODY}" opacity=".25"',
    "head": f'fill="{BODY}"',
    "head ghost": f'fill="{BODY}" opacity=".25"',
    "hip": f'fill="{MARK}" stroke="{CARD}" stroke-width="2"',
    "arrow": f'stroke="{MARK}" stroke-width="6"',
}
"""For each class of `figure_svg`, what it looks like."""


def icon(figure: Figure) -> str:
    """A square SVG document with the still figure in its middle."""
    left, top, right, bottom = box_of(figure)
    side = max(right - left, bottom - top) * ROOM
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    drawn = re.sub(r'class="([a-z ]+)"', lambda kind: INK[kind[1]], "".join(still_parts(figure)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{PIXELS}" height="{PIXELS}" '
        f'viewBox="{x:g} {y:g} {side:g} {side:g}">'
        f'<rect x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" rx="{side / 10:g}" fill="{CARD}"/>'
        f'<g fill="none" stroke-linecap="round" stroke-linejoin="round">{drawn}</g></svg>\n'
    )
