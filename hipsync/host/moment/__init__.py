"""What keeps a reminder from being welcome at this very moment: a call, a full screen, do-not-disturb.

It is asked when a reminder is about to be shown, and never stored. No name of a program or window is looked at::

    moment.py   the one function that asks all, and its answer
    programs.py runs a program of the desktop for a question
    sound.py    whether a microphone is in use: PulseAudio, and PipeWire in its place
    notices.py  whether the desktop holds notices back

Whether a window fills the screen is asked by `hipsync.host.presence.x11`. On Wayland no program can learn that, nor
whether the screen is shared: then it is unknown, which keeps nothing back.
"""
