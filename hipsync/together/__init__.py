"""The computers of one wearer: they tell each other what they know, and one of them speaks.

`sharing` keeps at it by a `channel`: `outgoing` says what is told, at the `topics` that never change; `intake` stores
what comes; `held` knows what nobody has to be told again; and `claims` says who shows a reminder. The one rule:
whatever becomes of the channel, reminders go on as without it.
"""
