"""Whether this computer is used, asked at a low rate: when input came last, and whether the screen is locked.

Each file but these is one way to ask, and none keeps a title, a key or the name of a program::

    seen.py           what any of them answers, and what a minute is by that
    computer.py       which of them is asked on this computer, in which order
    bus.py            calls over D-Bus, for the next three
    logind.py         whose session it is: remote, locked, idle (Linux)
    mutter.py         GNOME
    screensaver.py    KDE on X11, and others that answer to org.freedesktop.ScreenSaver
    x11.py            X11's screen saver extension
    wayland.py        ext-idle-notify: Sway, KDE and others on Wayland
    activitywatch.py  ActivityWatch's own server on this computer, if the user wants it asked
    macos.py          macOS; untried
    windows.py        Windows; untried

What cannot be known is unknown, and never idle: a remote session, a session that is not in front, a desktop that gives
no answer.
"""
