"""What can go wrong, as one tree.

HipsyncError                 one clear line: what, why, what to do
|-- ConfigError              an option, a setting or the settings file is wrong
|-- InputError               a file to import is not what it should be; nothing in it was stored
|   `-- ZoneWanted           it has local times and does not say of which zone: the wearer has to be asked
|-- StoreError               the database cannot be read or written; nothing was half written
|   |-- Damaged              the file itself is damaged: only a copy helps
|   `-- Outdated             a newer hipsync has upgraded the database: this program must be restarted
|-- BrokerError              the broker of the home cannot be reached, or refuses us
|   `-- NameTaken            another program came to it by our name, so that it threw us out
|-- FleetError               the fleet's Postgres cannot be reached, or refuses us
|-- BluetoothUnavailable     this computer has no usable Bluetooth: no adapter or service, or it is switched off
|-- Refused                  the running service, or the system, refused a command
`-- DeviceError              a failure of one band; it ends the contact with the band, never the service
    |-- MalformedPacket      the band sent bytes that the protocol does not allow; the error holds them
    |-- UnexpectedReply      the band answered something that was not asked, or refused
    |-- NotAuthorised        the key is wrong, or the wearer did not confirm
    |   `-- NotBonded        the band wants a bond that does not exist, or that one side has lost
    |-- NoReply              nothing came before the deadline
    |   `-- NotHeard         the band did not advertise: it is out of reach, or its battery is empty
    `-- LinkLost             the connection ended
"""


class HipsyncError(Exception):
    """The base of all of hipsync's errors. `str()` of one is the line that a person reads."""


class ConfigError(HipsyncError):
    """An option, a setting or the settings file is wrong."""


class InputError(HipsyncError):
    """A file to import was refused as a whole, and nothing in it was stored. The message names the line."""


class ZoneWanted(InputError):
    """A file has local times and does not say of which zone: the wearer has to be asked."""


class StoreError(HipsyncError):
    """The database could not be opened, read or written. Nothing is left half written."""


class Damaged(StoreError):
    """The database, or a copy of it, is damaged or is no database at all, so that only another copy helps."""


class Outdated(StoreError):
    """A newer hipsync upgraded the database while this program was running; the program must be restarted."""


class BrokerError(HipsyncError):
    """The broker by which home automation is told cannot be reached or refuses us. The message says what to do."""


class NameTaken(BrokerError):
    """Another program came to the broker by our name, so that it threw us out. Who comes again throws out the other."""


class FleetError(HipsyncError):
    """The Postgres of a fleet cannot be reached, or refused something; nothing is half written there."""


class BluetoothUnavailable(HipsyncError):
    """There is no usable Bluetooth on this computer at present. The message says what to do."""


class Refused(HipsyncError):
    """The running service, or the operating system, refused a command. `code` is the exit code for the command."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


class DeviceError(HipsyncError):
    """Something is wrong with one band or with the connection to it. The connection is closed."""


class MalformedPacket(DeviceError):
    """A band sent bytes that the protocol does not allow.

    `packet` holds all the bytes, and `why` says what is wrong. The message shows at most the first 64, in hex.
    """

    def __init__(self, why: str, packet: bytes) -> None:
        shown = packet[:64].hex(" ") + (" ..." if len(packet) > 64 else "")
        super().__init__(f"{why}: {shown or 'no bytes'}")
        self.why = why
        self.packet = packet


class UnexpectedReply(DeviceError):
    """A band answered something other than what was asked, or refused what was asked."""


class NotAuthorised(DeviceError):
    """A band does not accept our key, or its wearer did not confirm."""


class NotBonded(NotAuthorised):
    """A band communicates only over a bond (keys of the Bluetooth system), and there is none that it accepts."""


class NoReply(DeviceError):
    """A band did not answer before the deadline."""


class NotHeard(NoReply):
    """A band did not advertise within the time that was allowed for finding it."""


class LinkLost(DeviceError):
    """The connection to a band ended while it was in use."""
