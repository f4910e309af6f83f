"""Who holds the other end of a connection: the kernel's own list is asked, and told apart in its own words."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hipsync.host.peer import TABLES, is_strangers

CLIENT, SERVER = ("127.0.0.1", 0x8E88), ("127.0.0.1", 0x1252)
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENING = (
    "   0: 0100007F:1252 00000000:0000 0A 00000000:00000000 00:00000000 00000000  {me}        0 11 1 0 100 0 0 10 0\n"
)
ROW = (
    "   1: {local} {remote} {state} 00000000:00000000 03:00001010 00000000  {user}        0 {inode} 3 0 20 4 30 10 -1\n"
)
"""The forms of proc_pid_net(5), as Linux 6.18 writes them on a machine whose numbers are little-endian."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists connections with their owners"),
    pytest.mark.skipif(sys.byteorder != "little", reason="the drawn rows are of a little-endian machine"),
]


def table(home: Path, *rows: str) -> list[Path]:
    file = home / "tcp"
    file.write_text(HEAD + LISTENING.format(me=os.getuid()) + "".join(rows))
    return [file]


def row(user: int, *, inode: int = 77, state: str = "01", local: str = "0100007F:8E88") -> str:
    return ROW.format(local=local, remote="0100007F:1252", state=state, user=user, inode=inode)


def test_another_users_connection_is_a_strangers(tmp_path: Path) -> None:
    assert is_strangers(CLIENT, SERVER, table(tmp_path, row(54321)))
    assert not is_strangers(CLIENT, SERVER, table(tmp_path, row(os.getuid())))
    assert not is_strangers(CLIENT, SERVER, table(tmp_path, row(0)))


def test_who_has_left_is_a_stranger_though_he_is_listed_as_root(tmp_path: Path) -> None:
    assert is_strangers(CLIENT, SERVER, table(tmp_path, row(0, inode=0, state="06")))
    assert is_strangers(CLIENT, SERVER, table(tmp_path)), "not even listed"


def test_only_the_row_of_this_very_connection_counts(tmp_path: Path) -> None:
    mine_but_elsewhere = row(os.getuid(), local="0100007F:8E89")
    assert is_strangers(CLIENT, SERVER, table(tmp_path, mine_but_elsewhere, row(54321)))
    other_server = row(os.getuid()).replace("0100007F:1252", "0100007F:1253")
    assert is_strangers(CLIENT, SERVER, table(tmp_path, other_server))


def test_where_the_system_does_not_tell_nobody_is_refused(tmp_path: Path) -> None:
    assert not is_strangers(CLIENT, SERVER, [tmp_path / "none"])
    elsewhere = tmp_path / "tcp"
    elsewhere.write_text(HEAD)
    assert not is_strangers(CLIENT, SERVER, [elsewhere]), "a list in which we are not ourselves is not ours"


@pytest.mark.enable_socket
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_kernel_knows_us(family: socket.AddressFamily) -> None:
    """A client may reach 127.0.0.1 through a socket of IPv6, which is in another list."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as client:
        host = "127.0.0.1" if family is socket.AF_INET else "::ffff:127.0.0.1"
        try:
            client.connect((host, server.getsockname()[1]))
        except OSError:
            pytest.skip("this machine has no IPv6")
        connection, peer = server.accept()
        with connection:
            assert not is_strangers(peer, server.getsockname(), TABLES)
            client.close()
            assert is_strangers(peer, server.getsockname(), TABLES), "left"


@pytest.mark.enable_socket
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can play another user")
def test_the_kernel_knows_another_user() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        dial = (
            "import os, socket, sys; os.setuid(65534);"
            f"s = socket.socket(); s.connect({server.getsockname()!r}); sys.stdin.read()"
        )
        with subprocess.Popen([sys.executable, "-ISc", dial], stdin=subprocess.PIPE) as other:
            connection, peer = server.accept()
            with connection:
                assert is_strangers(peer, server.getsockname(), TABLES)
            assert other.stdin is not None
            other.stdin.close()
