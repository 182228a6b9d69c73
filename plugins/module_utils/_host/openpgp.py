# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read, identify and merge public keys in OpenPGP format. Pure, and without verifying any signature.

Formats: RFC 4880 (version 4 keys, packets, armor), RFC 9580 (version 6), LibrePGP (version 5).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SIGNATURE, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY = 2, 5, 6, 7
TRUST, USER_ID, PUBLIC_SUBKEY, USER_ATTRIBUTE = 12, 13, 14, 17
# The order of the parts of a key: the key itself, its names, its subkeys. Signatures follow what they sign.
PARTS = {PUBLIC_KEY: 0, USER_ID: 1, USER_ATTRIBUTE: 1, PUBLIC_SUBKEY: 2}
# Other packets that may occur: GnuPG's own notes, markers, padding, and those that programs may define themselves.
PASSED_OVER = {TRUST, 10, 21, *range(60, 64)}

_ARMOR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(?:[^\r\n]+: [^\r\n]*\r?\n)*[ \t]*\r?\n(?P<body>.*?)"
    r"(?:\r?\n=[A-Za-z0-9+/]{4})?[ \t]*\r?\n-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)


class Packet(NamedTuple):
    """A packet, identified by its kind and content; ``raw`` is how it was written."""

    kind: int
    body: bytes
    raw: bytes


class PublicKey(NamedTuple):
    """A primary key with its names, subkeys and signatures."""

    fingerprint: str
    data: bytes


def dearmor(data: bytes) -> bytes:
    """Return public keys in binary form, given as binary or as armored blocks. Raises ValueError."""
    if data[:1] and data[0] & 0x80:
        return data
    blocks = [found["body"] for found in _ARMOR.finditer(data.decode("ascii", errors="replace"))]
    if not blocks:
        raise ValueError("it is not a public key")
    try:
        return b"".join(base64.b64decode("".join(body.split()), validate=True) for body in blocks)
    except binascii.Error as error:
        raise ValueError(f"its armor is damaged ({error})") from None


def public_keys(data: bytes) -> list[PublicKey]:
    """Return the keys in binary data, in order. Raises ValueError if it contains anything else, or is truncated."""
    keys: list[tuple[str, list[bytes]]] = []
    for packet in _packets(data):
        if packet.kind in (SECRET_KEY, SECRET_SUBKEY):
            raise ValueError("it contains a secret key")
        if packet.kind == PUBLIC_KEY:
            keys.append((_fingerprint(packet.body), []))
        elif not keys or packet.kind not in {SIGNATURE, *PARTS, *PASSED_OVER}:
            raise ValueError("it is not a public key")
        keys[-1][1].append(packet.raw)
    return [PublicKey(fingerprint, b"".join(parts)) for fingerprint, parts in keys]


def merge(stored: bytes, fetched: Iterable[bytes]) -> bytes:
    """Return a keyring with other keys added. Nothing is removed, and a key without news stays unchanged.

    An existing key receives missing signatures, names and subkeys: a signature can extend the validity of a key.
    """
    keyring = dict(enumerate(public_keys(stored)))
    for key in (key for data in fetched for key in public_keys(data)):
        places = [number for number, known in keyring.items() if known.fingerprint == key.fingerprint]
        place = places[0] if places else len(keyring)
        keyring[place] = PublicKey(key.fingerprint, _united(keyring[place].data, key.data) if places else key.data)
    return b"".join(key.data for key in keyring.values())


def _packets(data: bytes) -> Iterator[Packet]:
    place = 0
    while place < len(data):
        start, tag = place, data[place]
        if not tag & 0x80:
            raise ValueError("it is not a public key")
        kind, place, length = _new_header(data, place) if tag & 0x40 else _old_header(data, place)
        body = data[place : place + length]
        place += length
        if place > len(data):
            raise ValueError("it is cut off")
        yield Packet(kind, body, data[start:place])


def _new_header(data: bytes, place: int) -> tuple[int, int, int]:
    """Return the kind of a packet, and the start and length of its content."""
    kind, first = data[place] & 0x3F, _number(data, place + 1, 1)
    if first < 192:
        return kind, place + 2, first
    if first < 224:
        return kind, place + 3, ((first - 192) << 8) + _number(data, place + 2, 1) + 192
    if first == 255:
        return kind, place + 6, _number(data, place + 2, 4)
    # Only data packets may have partial lengths.
    raise ValueError("it is not a public key")


def _old_header(data: bytes, place: int) -> tuple[int, int, int]:
    kind, width = data[place] >> 2 & 0x0F, data[place] & 3
    if width == 3:
        raise ValueError("it is not a public key")
    size = 1 << width
    return kind, place + 1 + size, _number(data, place + 1, size)


def _number(data: bytes, place: int, size: int) -> int:
    if place + size > len(data):
        raise ValueError("it is cut off")
    return int.from_bytes(data[place : place + size], "big")


def _fingerprint(body: bytes) -> str:
    version = body[0] if body else 0
    if version == 4 and len(body) < 1 << 16:
        # Here, the fingerprint only identifies the key and does not need to be secure.
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
    if version in (5, 6):
        mark = {5: b"\x9a", 6: b"\x9b"}[version]
        return hashlib.sha256(mark + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    # For older and future versions, it only has to identify the same key again.
    return f"VERSION-{version}-{hashlib.sha256(body).hexdigest().upper()}"


def _united(stored: bytes, fetched: bytes) -> bytes:
    parts = _parts(stored)
    new = False
    for part, packets in _parts(fetched).items():
        known = parts.setdefault(part, [])
        lacking = [packet for packet in packets if packet[:2] not in {held[:2] for held in known}]
        known += lacking
        new = new or bool(lacking)
    if not new:
        return stored
    ordered = sorted(parts.items(), key=lambda item: PARTS[item[0][0]])
    return b"".join(packet.raw for _part, packets in ordered for packet in packets)


def _parts(data: bytes) -> dict[tuple[int, bytes], list[Packet]]:
    """Return the parts of a key by kind and content, each with its own packet followed by its signatures."""
    parts: dict[tuple[int, bytes], list[Packet]] = {}
    current: list[Packet] = []
    for packet in _packets(data):
        if packet.kind in PARTS:
            current = parts.setdefault(packet[:2], [packet])
        elif packet.kind == SIGNATURE:
            current.append(packet)
    return parts
