"""A notice server on a private bus: it keeps what it is asked to show, and presses buttons as a person would."""

from __future__ import annotations

from dbus_fast import Message
from dbus_fast.aio import MessageBus

INTERFACE = "org.freedesktop.Notifications"
INTROSPECTION = f"""<node><interface name="{INTERFACE}">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{{sv}}" name="hints" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>"""


class Desk:
    """A notice server, and the person in front of it."""

    def __init__(self) -> None:
        self.notices: list[list[object]] = []
        self.closed: list[int] = []
        self.can = ["actions", "body"]
        self.fails = False
        self.silent = False
        self.takes_pictures = True

    def reply(self, message: Message) -> Message | bool | None:
        if self.silent:
            return True
        if self.fails and message.member == "Notify":
            return Message.new_error(message, "org.freedesktop.Notifications.Error", "too many")
        if message.member == "Notify" and not self.takes_pictures and "image-path" in message.body[6]:
            return Message.new_error(message, "org.freedesktop.Notifications.Error", "an unknown hint")
        match message.member:
            case "Introspect":
                return Message.new_method_return(message, "s", [INTROSPECTION])
            case "GetServerInformation":
                return Message.new_method_return(message, "ssss", ["desk", "test", "1", "1.2"])
            case "GetCapabilities":
                return Message.new_method_return(message, "as", [self.can])
            case "Notify":
                self.notices.append(message.body)
                return Message.new_method_return(message, "u", [len(self.notices)])
            case "CloseNotification":
                self.closed.append(message.body[0])
                return Message.new_method_return(message)
            case _:
                return None

    async def press(self, bus: MessageBus, label: str) -> None:
        """The button with this label, on the newest notice."""
        actions = self.notices[-1][5]
        assert isinstance(actions, list)
        labelled: list[str] = actions  # pyright: ignore[reportUnknownVariableType]
        key = labelled[labelled.index(label) - 1]
        signal = Message.new_signal("/org/freedesktop/Notifications", INTERFACE, "ActionInvoked", "us", [1, key])
        await bus.send(signal)  # pyright: ignore[reportUnknownMemberType]
