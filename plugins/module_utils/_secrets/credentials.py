# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find credentials in a text: in URLs, as ``name=value``, in headers, and keys by their format. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

HIDDEN = "********"

# What the Agent itself replaces: a secret of its backend, and variables of Autodiscovery.
RESOLVED = re.compile(r"ENC\[[^\]]*\]|%%[\w.]+%%")
# Forty uppercase digits are a fingerprint, as GnuPG writes it.
DATADOG_KEY = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{40}|[0-9a-fA-F]{32}|ddapp_\w{34}|DDRCM_[A-Z0-9]{6,})(?![0-9A-Za-z])"
)
QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""

# Digits after a colon may be a port. Text before @ without a colon is a user, or a token if it is long.
_USERINFO = re.compile(
    r"""(://[^\s/@:"'<>]*:)(?!\d{1,5}(?:[/?\#]|\Z))([^\s/?\#"'<>]+|[^\s"'<>]+)@ | (://)([^\s/@:"'<>?\#]{20,})@""",
    re.VERBOSE,
)
_PARAMETER = re.compile(r"([?&;](?:key|sig|signature)=)[^\s&;\"'#]{8,}", re.IGNORECASE)
# The words alone may be prose, so what follows must have a digit or letters in both cases.
_SCHEME = re.compile(r"\b((?i:Bearer|Basic))(\s+)(?=\S*(?:[a-z][A-Z]|[0-9=]))[\w.~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL)
# Match a name from its start: searching from every letter of it would multiply the time.
_NAME = r"(?<![\w.-])([\w.-]+)"
# Python may have a type annotation before the =.
_ASSIGNED = re.compile(rf"""{_NAME}(["']?(?:\s?:\s?[\w\[\]|. ]+?)?\s?(?<![=!<>])=(?!=)\s?)({QUOTED}|[^\s"';&,]+)""")
_FLAG = re.compile(rf"""(?<!\S)(--?[A-Za-z][\w-]*)(\s+)({QUOTED}|[^\s"';&,-][^\s"';&,]*)""")
# A header as a single string, and name and value in a mapping on one line.
_HEADER = re.compile(r"""(?<=["'])([A-Za-z][\w.-]*)(:\s+)([^"'\n]+)(?=["'])""")
# The last part of a path is a file, and an error message follows.
_PAIR = re.compile(
    rf"""(?<!/){_NAME}(["']?\s*:\s+|["']\s*:\s*)"""
    rf"""(ENC\[[^\]]*\]|{QUOTED}|\[[^\[\]]*\]|\{{[^{{}}]*\}}|[^\s,{{}}\[\]"'][^,{{}}\[\]"'\n]*)"""
)


def without_credentials(text: str, is_secret: Callable[[str, str], bool], *, literals: bool = False) -> str:
    """Return the text with credentials hidden. What the Agent resolves itself stays.

    IS_SECRET tells whether a name and a value are a secret. With LITERALS, the text is code: a value that is assigned
    to a name is hidden if it is a string literal.
    """
    text = _USERINFO.sub(_userinfo, _PRIVATE.sub(HIDDEN, text))
    text = _PARAMETER.sub(rf"\g<1>{HIDDEN}", text)
    for form in (_HEADER, _ASSIGNED, _FLAG, _PAIR):
        text = _without_values(form, text, is_secret, literals)
    return _JWT.sub(HIDDEN, DATADOG_KEY.sub(HIDDEN, _SCHEME.sub(rf"\g<1>\g<2>{HIDDEN}", text)))


def _without_values(form: re.Pattern[str], text: str, is_secret: Callable[[str, str], bool], literals: bool) -> str:
    """Return the text with values hidden that follow the name of a secret in this form."""
    parts, at = [], 0
    while found := form.search(text, at):
        name, value = found[1], found[3]
        quote = value[0] if value[0] in "\"'" else ""
        bare = value.strip("[]{} " if value[0] in "[{" else quote or " ").strip()
        bare = bare if quote else bare.rstrip(").;")
        if HIDDEN in bare or not bare or (literals and not quote) or not is_secret(name, bare):
            # The value may contain names.
            parts.append(text[at : found.start(3)])
            at = found.start(3)
        else:
            parts.append(f"{text[at : found.start(3)]}{quote}{HIDDEN}{quote}")
            at = found.end()
    return "".join([*parts, text[at:]])


def _userinfo(found: re.Match[str]) -> str:
    lead, credential = (found[1], found[2]) if found[1] else (found[3], found[4])
    return found[0] if RESOLVED.fullmatch(credential) else f"{lead}{HIDDEN}@"
