# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A minimal MySQL server on a loopback port: PyMySQL can log in and read one row.

The protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

QUERY, QUIT = 3, 1
OK = b"\0\0\0\x02\0\0\0"
END = b"\xfe\0\0\x02\0"
GREETING = (
    b"\x0a8.0.0-fake\0" + struct.pack("<I", 1) + b"saltsalt\0"  # version, connection and the first half of the salt
    + struct.pack("<HBHHB", 0xF7FF, 33, 2, 0x00FF, 21) + bytes(10)  # capabilities (no TLS), utf8, autocommit
    + b"saltsaltsalt\0mysql_native_password\0"
)  # fmt: skip


class FakeMysql(socketserver.ThreadingTCPServer):
    """Accepts any login, and answers every SELECT with one row; `queries` has all statements."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, row: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.row = row
        self.queries: list[str] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class Session(socketserver.StreamRequestHandler):
    """One client's connection."""

    server: FakeMysql

    def send(self, *packets: bytes, number: int) -> None:
        for offset, packet in enumerate(packets):
            self.wfile.write(struct.pack("<I", len(packet))[:3] + bytes([number + offset]) + packet)

    def receive(self) -> bytes:
        head = self.rfile.read(4)
        return self.rfile.read(int.from_bytes(head[:3], "little")) if len(head) == 4 else bytes([QUIT])

    def handle(self) -> None:
        self.send(GREETING, number=0)
        self.receive()
        self.send(OK, number=2)
        while (request := self.receive())[0] != QUIT:
            query = request[1:].decode()
            if request[0] == QUERY:
                self.server.queries.append(query)
            self.send(*(self.rows() if "SELECT" in query else [OK]), number=1)

    def rows(self) -> list[bytes]:
        row = self.server.row
        columns = [text("def") + text("") * 3 + text(name) * 2 + COLUMN for name in row]
        return [bytes([len(row)]), *columns, END, b"".join(map(text, row.values())), END]


# A string of at most 80 characters in utf8.
COLUMN = b"\x0c" + struct.pack("<HIBHBH", 33, 80, 0xFD, 0, 0, 0)


def text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


@contextmanager
def serve(row: dict[str, str]) -> Iterator[FakeMysql]:
    with FakeMysql(row) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
