# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recognize settings with secrets, by their names and by the format of their values. Pure.

The names are those that the Agent hides in its logs and flares (datadog-agent, pkg/util/scrubber/default.go, as of
7.78.5), and those that integrations use for secrets, in any spelling: ``api_key``, ``api-key``, ``apiKey`` and
``X-API-Key`` are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .credentials import DATADOG_KEY, RESOLVED, without_credentials

# In a name of lowercase words joined by _.
_SECRET = re.compile(
    r"""
    password | passwd | passphrase | passcode | pswd | pwd(?![a-z]) | (?<![a-z])pass(?![a-z]) | (?:require|user)pass
    | secret_id | secret | token_id | token | (?P<credential>credential|(?<![a-z])creds?) | (?<![a-z])jwt
    | authorization(?![a-z]) | (?P<auth>(?<![a-z])auth(?=\Z|_data\Z)) | lodauth | auth_tenantid | (?<![a-z])authority\Z
    | (?<![a-z])bearer(?![a-z]) | (?<![a-z])cookies?(?![a-z]) | (?<![a-z])community(?:_?strings?)?(?![a-z])
    | conn(?:ection)?_?str(?:ings?)?(?![a-z]) | (?<![a-z])dsn(?![a-z]) | webhooks?(?:_?ur[li]s?)?(?![a-z])
    | (?P<key>
        (?:api|app|application|access|auth|authentication|authorization|priv|privacy|private|secret|licen[cs]e|account
        |encryption|decryption|signing|shared|master|consumer|subscription|functions|partner|hmac|ssh|ingest|ingestion
        |integration|deploy|client|session|status|sec_websocket)_?keys?(?![a-z]) | (?<![a-z])x_(?:\w*_)?key\Z
      )
    """,
    re.VERBOSE,
)
# Words after it that mean something about a secret, not the secret itself.
_ABOUT = re.compile(
    r"""_(?:
    age | alg | algorithm | alias | allowed | arguments | args | arn | aud | audience | audit | auth | backend |
    bucket | cache | class | cmd | command | count | days | description | dir | directory | disabled | domain |
    enable | enabled | encoding | endpoint | endpoints | env | expiration | expires | expiry | field | file | files
    | filename | folder | format | handle | hashed | header | headers | host | hours | id | ids | image | interval |
    intervals | issuer | izer | ized | ization | kind | label | labels | len | length | lifetime | limit | limits |
    location | max | mechanism | method | min | minutes | mode | name | names | namespace | param | parameter | path
    | paths | pattern | per | period | policy | port | prefix | protocol | provider | rate | refresh | regex |
    regexp | region | required | retries | ring | rotation | scope | scopes | scheme | second | seconds | size |
    source | store | suffix | tab | template | through | timeout | timeouts | ttl | type | types | uri | uris | url
    | urls | usage | used | validation | var | variable | version
    )(?:_|\Z)""",
    re.VERBOSE,
)
# What a setting called auth may hold instead: a way to log in.
_WAY = re.compile(
    r"""
    aad | aws | azure | basic | bearer | cert | certificate | default | digest | disabled | gssapi | iam | kerberos
    | ldap | md5 | negotiate | ntlm | oauth | oauth2 | optional | password | plain | required | saml | scram | sha |
    sigv4 | simple | sspi | tls | tls_only | token | x509
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Settings that refer to secrets rather than contain them: rules for logs, queries, search patterns.
_SPEAKING = re.compile(r"pattern|regex|quer(?:y|ies)|placeholder|search|match|description|message|exclude|include|sql")
# Settings whose values have as many hexadecimal digits as a key.
_DIGEST = re.compile(r"commit|sha|digest|md5|hash|checksum|revision|version|uuid|guid|fingerprint|etag|trace|span")
_DIGEST_IN_TEXT = re.compile(rf"(?i:{_DIGEST.pattern})[\w.-]*[:=@/]\s?[0-9a-fA-F]{{32,64}}\b")
_PATH = re.compile(r"(?:~?/|\.{1,2}/|[A-Za-z]:[\\/]).*|[\w./-]+\.(?:pem|key|crt|cer|p12|pfx|jks|json)")
_NOTHING = ("", "true", "false", "yes", "no", "on", "off", "null", "none", "~")
# The scrubber uses only these. They are hidden in diffs, but too broad for refusing inputs.
_SCRUBBED = re.compile(r"pass|pwd|(?:token|jwt|_secret|access_key|private_key)\Z|(?:api|app|application)_?key")


def _words(name: str) -> str:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub("[^a-z]+", "_", apart.lower()).strip("_")


def _meant(words: str) -> re.Match[str] | None:
    """Return the part of a name that means a secret."""
    return next((found for found in _SECRET.finditer(words) if not _ABOUT.search(f"_{words[found.end() :]}")), None)


def is_hidden_name(name: str) -> bool:
    """Whether the Agent hides the value of this name, or the name usually means a secret."""
    words = _words(name)
    return _meant(words) is not None or _SCRUBBED.search(words) is not None


def holds_secrets(name: str) -> bool:
    """Whether everything under this name, a dictionary or a list, is secret: passwords, api_keys, cookies."""
    words = _words(name)
    found = _meant(words)
    return found is not None and _is_plural(words) and not found["credential"]


def _is_plural(words: str) -> bool:
    return words.endswith("s") and not words.endswith("pass")


def is_secret_text(name: str, text: str, *, hidden: bool = False) -> bool:
    """Whether a text is a secret because of the NAME of the setting; with HIDDEN, because of `is_hidden_name`.

    Not secret are a path to a key, what the Agent resolves itself, ``ENC[handle]``, an authentication method such as
    ``auth: basic``, a switch such as ``use_token: yes``, and a number such as ``max_tokens: 5``.
    """
    if text.lower() in _NOTHING or RESOLVED.fullmatch(text):
        return False
    words = _words(name)
    found = _meant(words)
    if found is None:
        return hidden and _SCRUBBED.search(words) is not None
    if found["key"] or found["credential"]:
        return _PATH.fullmatch(text) is None
    if found["auth"]:
        return _WAY.fullmatch(text) is None
    return not (_is_plural(words) and re.fullmatch(r"[0-9][0-9_.]*", text))


def is_secret(name: str, value: Any) -> bool:
    """Whether this value of a setting is a secret: by the setting's name, as a key, or by credentials in the text."""
    if value is None or isinstance(value, (bool, dict, list, tuple)):
        return False
    text = str(value).strip()
    if is_secret_text(name, text):
        return True
    words = _words(name)
    if isinstance(value, (int, float)) or RESOLVED.fullmatch(text):
        return False
    if DATADOG_KEY.fullmatch(text):
        return _DIGEST.search(words) is None
    text = _DIGEST_IN_TEXT.sub("", text)
    return without_credentials(text, _is_never if _SPEAKING.search(words) else is_secret_text) != text


def _is_never(_name: str, _text: str) -> bool:
    return False


def is_hidden_text(name: str, text: str) -> bool:
    """Whether to hide a text because of its name; with an empty text, whether to hide everything below the name."""
    return is_secret_text(name, text, hidden=True) if text else is_hidden_name(name)


def public_text(text: str) -> str:
    """Return the text for a message, with credentials hidden: in URLs, headers and assignments, and keys."""
    return without_credentials(text, is_hidden_text)


def public_address(address: str) -> str:
    """Return a URL, even an invalid one, for a message: without user, password and other credentials."""
    scheme, separator, rest = address.rpartition("://")
    # Without a scheme, nobody knows what is before the @.
    server, slash, path = rest.partition("/") if separator else (rest, "", "")
    return public_text(f"{scheme}{separator}{server.rpartition('@')[2]}{slash}{path}")


def secret_places(value: Any) -> list[str]:
    """Return the dotted paths of values that are secrets by `is_secret`."""
    return [".".join(place) for place in secret_paths(value)]


def secret_paths(value: Any, name: str = "", *, all_secret: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield the paths of secrets in VALUE, which is under NAME. With ALL_SECRET, every text in it is a secret."""
    if isinstance(value, dict):
        for key, item in value.items():
            inner = all_secret or holds_secrets(str(key))
            # URLs with lists of keys below them.
            if name.endswith("additional_endpoints") and isinstance(item, (list, tuple)):
                inner = True
            for place in secret_paths(item, str(key), all_secret=inner):
                yield (str(key), *place)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            for place in secret_paths(item, name, all_secret=all_secret):
                yield (str(number), *place)
    elif is_secret("password" if all_secret else name, value):
        yield ()
