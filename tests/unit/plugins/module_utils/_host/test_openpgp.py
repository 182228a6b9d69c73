# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenPGP public keys, compared with what GnuPG reads from the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._host.openpgp import dearmor, merge, public_keys
from gpg import Gpg, gnupg
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gnupg() as gpg:
        yield gpg


@pytest.fixture(scope="module")
def one(gpg: Gpg) -> bytes:
    return gpg.export(gpg.key("one"))


@pytest.fixture(scope="module")
def two(gpg: Gpg) -> bytes:
    """A key with a subkey and two user IDs."""
    fingerprint = gpg.key("two", kind="rsa2048")
    gpg("--quick-add-key", fingerprint, "rsa2048", "sign")
    gpg("--quick-add-uid", fingerprint, "Other <other@example.com>")
    return gpg.export(fingerprint)


def names(data: bytes) -> list[str]:
    return [key.fingerprint for key in public_keys(data)]


def packets(data: bytes) -> list[tuple[int, bytes]]:
    """Yield type and content of packets that GnuPG exports, which have old headers."""
    found = []
    while data:
        kind, size = data[0] >> 2 & 0x0F, 1 << (data[0] & 3)
        length = int.from_bytes(data[1 : 1 + size], "big")
        found.append((kind, data[1 + size : 1 + size + length]))
        data = data[1 + size + length :]
    return found


def packet(kind: int, body: bytes) -> bytes:
    """Return a packet with a new header, whose length has one, two or five bytes."""
    head = bytes([0xC0 | kind])
    if len(body) < 192:
        return head + bytes([len(body)]) + body
    if len(body) < 8384:
        return head + bytes([(len(body) - 192 >> 8) + 192, (len(body) - 192) & 0xFF]) + body
    return head + b"\xff" + len(body).to_bytes(4, "big") + body


class TestPublicKeys:
    def test_fingerprints_equal_gnupgs(self, gpg: Gpg, one: bytes, two: bytes, tmp_path: Path) -> None:
        keyring = tmp_path / "keyring.gpg"
        # As datadog-signing-keys does. Otherwise, GnuPG would create a keybox, which apt cannot read.
        keyring.touch()
        gpg.add(str(keyring), one + two)
        listed = set(gpg.listed(str(keyring)))
        assert len(listed) == 2
        assert set(names(keyring.read_bytes())) == set(names(one + two)) == listed

    def test_new_packet_headers_are_equivalent(self, one: bytes, two: bytes) -> None:
        newer = b"".join(packet(kind, body) for kind, body in packets(one + two))
        assert newer != one + two
        assert names(newer) == names(one + two)

    def test_other_packets_are_ignored(self, one: bytes, two: bytes) -> None:
        notes = packet(12, b"\x00\x00") + packet(10, b"PGP") + packet(61, bytes(9000))
        assert names(one + notes + two) == names(one + two)

    def test_all_bytes_of_keys_are_kept(self, one: bytes, two: bytes) -> None:
        assert [key.data for key in public_keys(one + two)] == [one, two]

    def test_empty_input_has_no_keys(self) -> None:
        assert public_keys(b"") == []

    @pytest.mark.parametrize(("version", "mark"), [(5, b"\x9a"), (6, b"\x9b")])
    def test_newer_key_versions_have_fingerprints(self, version: int, mark: bytes, one: bytes) -> None:
        body = bytes([version]) + bytes(40)
        expected = hashlib.sha256(mark + len(body).to_bytes(4, "big") + body).hexdigest().upper()
        assert names(one + packet(6, body)) == [*names(one), expected]

    @pytest.mark.parametrize("version", [0, 2, 3, 7, 255])
    def test_unknown_key_versions_are_distinguished(self, version: int) -> None:
        first, second = (packet(6, bytes([version, number]) + bytes(20)) for number in (1, 2))
        assert names(first) == names(first) != names(second)
        assert merge(first, [first, second]) == first + second

    @pytest.mark.parametrize(
        "data",
        [
            b"<html>Not found</html>",
            packet(1, b"session"),
            packet(12, b"\x00\x00"),
            packet(2, b"signature alone"),
            # Partial and indeterminate lengths: only data packets may have these.
            b"\xc6\xe1ab",
            b"\x9babc",
        ],
    )
    def test_other_input_is_not_a_public_key(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="it is not a public key"):
            public_keys(data)

    def test_secret_key_is_refused(self, gpg: Gpg, one: bytes) -> None:
        with pytest.raises(ValueError, match="secret key"):
            public_keys(gpg("--export-secret-keys", names(one)[0]))

    def test_truncated_keys_are_refused(self, one: bytes) -> None:
        sizes = [len(body) + (2 if len(body) < 256 else 3) for _kind, body in packets(one)]
        ends = set(accumulate(sizes))
        assert max(ends) == len(one)
        for length in range(1, len(one)):
            if length in ends:
                continue
            with pytest.raises(ValueError, match="cut off"):
                public_keys(one[:length])

    @given(st.binary(max_size=300))
    def test_no_bytes_crash(self, data: bytes) -> None:
        try:
            public_keys(data)
        except ValueError as error:
            assert str(error).startswith("it ")


class TestDearmor:
    def test_binary_keys_are_unchanged(self, one: bytes, two: bytes) -> None:
        assert dearmor(one + two) == one + two

    @pytest.mark.parametrize("change", ["none", "header", "line ends", "no checksum", "text before", "blanks"])
    def test_armored_keys_become_binary(self, gpg: Gpg, one: bytes, change: str) -> None:
        text = gpg.export(*names(one), armor=True).decode()
        lines = text.splitlines()
        text = {
            "none": text,
            "header": text.replace("BLOCK-----\n\n", "BLOCK-----\nVersion: GnuPG v2\nComment: none\n\n"),
            "line ends": text.replace("\n", "\r\n"),
            "no checksum": "\n".join(line for line in lines if not line.startswith("=")),
            "text before": f"pub  ed25519\n\n{text}",
            "blanks": text.replace("BLOCK-----\n\n", "BLOCK-----  \n \n"),
        }[change]
        assert dearmor(text.encode()) == one

    def test_several_armored_blocks(self, gpg: Gpg, one: bytes, two: bytes) -> None:
        blocks = [gpg.export(*names(data), armor=True) for data in (one, two)]
        assert dearmor(b"\n".join(blocks)) == one + two

    @pytest.mark.parametrize("data", [b"", b"<html>Not found</html>", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc"])
    def test_refuses_other_text(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="it is not a public key"):
            dearmor(data)

    def test_refuses_damaged_armor(self, gpg: Gpg, one: bytes) -> None:
        lines = gpg.export(*names(one), armor=True).splitlines(keepends=True)
        lines[2] = b"*" + lines[2][1:]
        with pytest.raises(ValueError, match="armor is damaged"):
            dearmor(b"".join(lines))


class TestMerge:
    def test_missing_keys_are_appended(self, one: bytes, two: bytes) -> None:
        assert merge(one, [two, one]) == one + two
        assert merge(b"", [one, one]) == one

    def test_complete_keyring_is_unchanged(self, gpg: Gpg, one: bytes, two: bytes, tmp_path: Path) -> None:
        keyring = tmp_path / "keyring.gpg"
        keyring.touch()
        # The file includes GnuPG's trust packets.
        gpg.add(str(keyring), two + one)
        there = keyring.read_bytes()
        assert merge(there, [one, two]) == there
        assert merge(there, []) == there

    def test_renewed_key_loses_nothing(self, gpg: Gpg, one: bytes, tmp_path: Path) -> None:
        fingerprint = gpg.key("short", expire="1y", at="20200101T000000")
        expired = gpg.export(fingerprint)
        gpg.prolong(fingerprint, expire="2040-01-01", at="20200601T000000")
        prolonged = gpg.export(fingerprint)
        keyring = tmp_path / "keyring.gpg"
        for stored, fetched in ((expired, prolonged), (prolonged, expired)):
            keyring.write_bytes(merge(one + stored + one, [fetched]))
            moments = gpg.listed(str(keyring))
            assert set(moments) == {*names(one), fingerprint}
            assert moments[fingerprint] > "2000000000"
            held = packets(keyring.read_bytes())
            assert all(part in held for part in packets(expired) + packets(prolonged))
            assert merge(keyring.read_bytes(), [prolonged, expired]) == keyring.read_bytes()

    def test_new_user_ids_and_subkeys_are_inserted_in_order(self, gpg: Gpg, one: bytes, tmp_path: Path) -> None:
        fingerprint = gpg.key("growing")
        before = gpg.export(fingerprint)
        gpg("--quick-add-key", fingerprint, "ed25519", "sign")
        gpg("--quick-add-uid", fingerprint, "New <new@example.com>")
        after = gpg.export(fingerprint)
        kinds = [kind for kind, _body in packets(merge(before, [after])) if kind != 2]
        assert kinds == [6, 13, 13, 14]
        keyring = tmp_path / "keyring.gpg"
        keyring.write_bytes(merge(before, [after]))
        assert b"uid" in gpg("--no-default-keyring", "--keyring", str(keyring), "--with-colons", "--list-keys")

    def test_invalid_keys_are_not_merged(self, one: bytes) -> None:
        with pytest.raises(ValueError, match="it is not a public key"):
            merge(one, [b"<html>"])
