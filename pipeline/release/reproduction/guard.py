"""Runs inside the network namespace before anything else: proves that no network is there, and only then starts the command it was given.

    python -I guard.py COMMAND [ARGUMENT ...]

What is proved, not assumed: no interface but the loopback, no route but of the loopback, and a connection to an address that is reserved for
documentation cannot even be begun. The loopback itself is switched on, because parts of a program talk to each other through it. A stand-alone file of the standard library
only; exit code 97 says that the network is not cut, and nothing was started then.

Source: network_namespaces(7); RFC 5737 (192.0.2.0/24).
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys
from pathlib import Path
from typing import NoReturn

NOT_CUT = 97
NOWHERE = ("192.0.2.1", 9)
LOOPBACK = "lo"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _UP = 0x8913, 0x8914, 0x1


def main(command: list[str]) -> NoReturn:
    """Start the command in place of this process, or end with 97 and say why."""
    switch_on_loopback()
    if ways := ways_out():
        sys.stderr.write(f"REP-NETWORK at guard: found {'; '.join(ways)}, expected no way out. Nothing was started.\n")
        sys.exit(NOT_CUT)
    os.execv(command[0], command)  # noqa: S606  a fixed list, no shell


def switch_on_loopback() -> None:
    """Set the loopback's flag UP, as `ip link set lo up` does; where that is not allowed it stays as it is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", LOOPBACK.encode(), 0, b"")
        try:
            flags = struct.unpack("16sH14s", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14s", LOOPBACK.encode(), flags | _UP, b""))
        except OSError:
            return


def ways_out() -> list[str]:
    """Return everything by which a packet could leave this machine; empty where the network is cut."""
    interfaces = [name for _, name in socket.if_nameindex() if name != LOOPBACK]
    found = [f"the interface {name}" for name in interfaces]
    found += [f"a route by {line.split()[0]}" for line in _lines("route")[1:] if line.split()[0] != LOOPBACK]
    found += [f"a route by {line.split()[-1]}" for line in _lines("ipv6_route") if line.split()[-1] != LOOPBACK]
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.settimeout(1)
        try:
            trial.connect(NOWHERE)
            found.append("a connection that was taken")
        except TimeoutError:
            found.append("a connection that was begun")
        except OSError:
            pass
    return found


def _lines(table: str) -> list[str]:
    place = Path("/proc/net") / table
    return place.read_text(encoding="ascii").splitlines() if place.is_file() else []


if __name__ == "__main__":
    main(sys.argv[1:])
