"""Whether the user had the desktop hold notices back: do-not-disturb of KDE, dunst and GNOME.

Source: the property `Inhibited` of org.freedesktop.Notifications as Plasma offers it; `paused` of
org.dunstproject.cmd0 in dunst(1), "dunstctl"; the key `show-banners` of org.gnome.desktop.notifications in
gsettings-desktop-schemas. GNOME's is asked only where GNOME's shell shows the notices.
"""

from __future__ import annotations

from collections.abc import Mapping

from hipsync.host.moment.programs import output_of
from hipsync.host.presence.bus import PROPERTIES, Bus

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
SWITCHES = ((NAME, "Inhibited"), ("org.dunstproject.cmd0", "paused"))
"""Interface and name of properties that are true while notices are held back."""


async def held_back(bus: Bus, environment: Mapping[str, str]) -> bool | None:
    """Whether notices are held back; None if there is no notice server, or it does not say."""
    about = await bus.call(NAME, PATH, f"{NAME}.GetServerInformation")
    if not about:
        return None
    if about[0] == "gnome-shell":
        shown = await output_of(("gsettings", "get", "org.gnome.desktop.notifications", "show-banners"), environment)
        return {b"true": False, b"false": True}.get((shown or b"").strip())
    for interface, switch in SWITCHES:
        found = await bus.call(NAME, PATH, f"{PROPERTIES}.Get", "ss", [interface, switch])
        if found and isinstance(found[0].value, bool):
            return found[0].value
    return None
