"""What can go wrong, as one tree.

HipsyncError                 one clear line: what, why, what to do
|-- ConfigError              a wrong option, key, value or file of settings
|-- InputError               a file to import is not what it should be; nothing of it was kept
|-- StoreError               the database cannot be read or written; nothing was half written
|   `-- Outdated             another hipsync has brought it up to date: this program must be started anew
|-- BluetoothUnavailable     no adapter, no Bluetooth service, or both switched off
|-- Refused                  the running service said no to a command
`-- DeviceError              one band; ends that sync, never the service
    |-- MalformedPacket      bytes that cannot mean anything (carries them)
    |-- UnexpectedReply      a well-formed answer to something else, or a refusal
    |-- NotAuthorised        wrong key, or the wearer did not confirm
    |   `-- NotBonded        the band wants a bond that there is not, or one side lost it
    |-- NoReply              nothing came before the deadline
    |   `-- NotHeard         it did not show itself at all: out of reach, or its battery is empty
    `-- LinkLost             the connection ended
"""


class HipsyncError(Exception):
    """Root of the tree; `str()` is the line a person reads."""


class ConfigError(HipsyncError):
    """A setting, option or file of settings is wrong."""


class InputError(HipsyncError):
    """A file to import is refused as a whole; the message names the line."""


class StoreError(HipsyncError):
    """The database could not be opened, read or written."""


class Outdated(StoreError):
    """The schema is not this program's any more."""


class BluetoothUnavailable(HipsyncError):
    """There is no usable Bluetooth on this machine now; the message says what to do."""


class Refused(HipsyncError):
    """The running service said no; `code` is what the command ends with."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


class DeviceError(HipsyncError):
    """Something about one band; it ends the conversation with that band."""


class MalformedPacket(DeviceError):
    """A band sent bytes that the protocol does not allow.

    `packet` carries them; the message shows at most the first 64, in hex.
    """

    def __init__(self, why: str, packet: bytes) -> None:
        shown = packet[:64].hex(" ") + (" ..." if len(packet) > 64 else "")
        super().__init__(f"{why}: {shown or 'no bytes'}")
        self.why = why
        self.packet = packet


class UnexpectedReply(DeviceError):
    """A band answered something else than was asked, or refused."""


class NotAuthorised(DeviceError):
    """A band does not accept our key, or its wearer did not confirm."""


class NotBonded(NotAuthorised):
    """A band talks only over a bond (the Bluetooth system's own keys), and there is none that it accepts."""


class NoReply(DeviceError):
    """A band kept silent until the deadline."""


class NotHeard(NoReply):
    """A band did not advertise while it was waited for."""


class LinkLost(DeviceError):
    """The connection to a band ended while it was needed."""
