"""What can go wrong, as one tree.

HipsyncError                 one clear line: what, why, what to do
|-- ConfigError              a wrong option, key, value or file of settings
|-- InputError               a file to import is not what it should be; nothing of it was stored
|-- StoreError               the database cannot be read or written; nothing was half written
|   `-- Outdated             another hipsync has upgraded the database: this program must be started anew
|-- BluetoothUnavailable     no adapter, no Bluetooth service, or both switched off
|-- Refused                  the running service refused a command
`-- DeviceError              about one band; ends the contact with it, never the service
    |-- MalformedPacket      bytes that cannot mean anything, which the error carries
    |-- UnexpectedReply      a well-formed answer to something else, or a refusal
    |-- NotAuthorised        a wrong key, or the wearer did not confirm
    |   `-- NotBonded        the band wants a bond that does not exist, or that one side lost
    |-- NoReply              nothing came before the deadline
    |   `-- NotHeard         the band did not show itself at all: out of reach, or its battery is empty
    `-- LinkLost             the connection ended
"""


class HipsyncError(Exception):
    """The root of the tree; `str()` of an error is the line that a person reads."""


class ConfigError(HipsyncError):
    """A setting, option or file of settings is wrong."""


class InputError(HipsyncError):
    """A file to import is refused as a whole, and nothing of it was stored; the message names the line."""


class StoreError(HipsyncError):
    """The database could not be opened, read or written, and nothing was half written."""


class Outdated(StoreError):
    """A newer hipsync has upgraded the database while this program ran, which must be started anew."""


class BluetoothUnavailable(HipsyncError):
    """There is no usable Bluetooth on this machine now; the message says what to do."""


class Refused(HipsyncError):
    """The running service, or the system, refused a command, which exits with `code`."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


class DeviceError(HipsyncError):
    """Something is wrong with one band, or with the connection to it, which ends."""


class MalformedPacket(DeviceError):
    """A band sent bytes that the protocol does not allow.

    `packet` holds them and `why` says what is wrong; the message shows at most the first 64 bytes, in hex.
    """

    def __init__(self, why: str, packet: bytes) -> None:
        shown = packet[:64].hex(" ") + (" ..." if len(packet) > 64 else "")
        super().__init__(f"{why}: {shown or 'no bytes'}")
        self.why = why
        self.packet = packet


class UnexpectedReply(DeviceError):
    """A band answered something that was not asked, or refused what was asked."""


class NotAuthorised(DeviceError):
    """A band does not accept our key, or its wearer did not confirm."""


class NotBonded(NotAuthorised):
    """A band communicates only over a bond (keys of the Bluetooth system), and there is none that it accepts."""


class NoReply(DeviceError):
    """A band sent nothing until the deadline."""


class NotHeard(NoReply):
    """A band did not advertise while it was waited for."""


class LinkLost(DeviceError):
    """The connection to a band ended while it was in use."""
