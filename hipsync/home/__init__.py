"""Home Assistant, by way of an MQTT broker: it is told what is known, and its buttons answer.

`names`, `discovery`, `messages` and `commands` are the pure core: from what is known at an instant to bytes, and from
bytes to what is asked for. `broker` is the only module that speaks MQTT; `bridge` runs within `hipsync run`, and
`checking` within `hipsync mqtt`. The same broker joins the computers of one wearer (`hipsync.together`). The one rule:
whatever becomes of broker and home, reminders go on as without them.
"""
