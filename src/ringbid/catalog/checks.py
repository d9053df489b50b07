"""Whether a single value of the file is what it must be: zones, currencies, holidays, URLs, headers, expressions.

Called by the `*_reading` modules. Each check returns None where all is well, else what is allowed.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import jmespath
import jmespath.exceptions
import jmespath.functions
import re2

from ringbid.catalog.phone_parsing import is_region
from ringbid.catalog.problems import did_you_mean, some_of

# ISO 4217, as in use.
_CURRENCIES = frozenset(
    re.findall(
        "[A-Z]{3}",
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
        "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
        "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL "
        "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
        "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD "
        "TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ",
    )
)
_SIP_URI = re.compile(
    r"sips?:(?:[^\s@<>\"\[\]]+@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?:[;?][^\s<>\"]*)?"
)
_SIP_HOST = re.compile(r"sip:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"\+[1-9]\d{0,14}", re.ASCII)
_URL = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\.?|\[([^\[\]]*)\])(?::(\d{1,5}))?")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]{0,2046}[\x21-\x7e])?")
_OUR_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
_HIGHEST_PORT = 65535

_PATTERN_OPTIONS = re2.Options()
_PATTERN_OPTIONS.log_errors = False  # a mistake is told with its path, not printed
_PATTERN_OPTIONS.case_sensitive = False  # as in all of text's comparisons; `(?-i)` in front of a pattern turns it back


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names that a time zone may have."""
    # `localtime` and `Factory` mean something else on every machine.
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


@lru_cache(maxsize=1)
def _holiday_places() -> dict[str, frozenset[str]]:
    import holidays  # noqa: PLC0415 -- 160 ms that only a file with holidays pays

    return {country: frozenset(places) for country, places in holidays.list_supported_countries().items()}


def time_zone(name: str) -> str | None:
    """An IANA name."""
    if name in time_zones():
        return None
    return f"an IANA time zone such as America/New_York{did_you_mean(name, time_zones())}"


def currency(code: str) -> str | None:
    """An ISO 4217 code."""
    if code in _CURRENCIES:
        return None
    return f"an ISO 4217 currency code such as USD{did_you_mean(code.upper(), _CURRENCIES)}"


def holiday_place(code: str) -> str | None:
    """A country whose public holidays are known, or one of its states: `US`, `US-CA`."""
    country, dash, state = code.partition("-")
    places = _holiday_places().get(country)
    if places is None:
        return "a country such as US, or a state such as US-CA, whose public holidays are known"
    if dash and state not in places:
        return f"{country} alone, or {country}- and one of: {some_of(sorted(places), most=80)}"
    return None


def sip_uri(text: str) -> str | None:
    """`sip:user@host:port`."""
    return None if _SIP_URI.fullmatch(text) else "a SIP URI such as sip:sales@example.org:5060"


def destination(text: str) -> str | None:
    """A country, the beginning of numbers, or a SIP host."""
    if _PREFIX.fullmatch(text) or _SIP_HOST.fullmatch(text) or (len(text) == 2 and is_region(text)):
        return None
    return 'a country such as US, the beginning of numbers such as "+4420", or a SIP host such as sip:pbx.example.org'


def compile_pattern(text: str) -> Callable[[str], bool]:
    """Whether an RE2 pattern is found anywhere in a text, whatever the letter case. Raises re2.error."""
    search = re2.compile(text, options=_PATTERN_OPTIONS).search
    # Bytes, for with a str the library also counts where each character is; nobody asks.
    return lambda value: search(value.encode(errors="replace")) is not None


def pattern(text: str) -> str | None:
    """An RE2 pattern: matching takes linear time, whatever the text."""
    try:
        compile_pattern(text)
    except re2.error as error:
        reason = error.args[0]
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        return f"a regular expression that RE2 takes, without look-around or back-references ({shown})"
    return None


def expression(text: str) -> str | None:
    """A JMESPath expression whose functions exist and get as many arguments as they take."""
    try:
        parsed = jmespath.compile(text).parsed
    except jmespath.exceptions.JMESPathError as error:
        return f"a JMESPath expression ({str(error).splitlines()[0].rstrip(':')})"
    for name, arguments in _calls(parsed):
        function = jmespath.functions.Functions.FUNCTION_TABLE.get(name)
        if function is None:
            known = jmespath.functions.Functions.FUNCTION_TABLE
            return f"a JMESPath expression (there is no function {name}{did_you_mean(name, known)})"
        signature = function["signature"]
        takes_more = bool(signature) and bool(signature[-1].get("variadic"))
        if arguments < len(signature) or (arguments > len(signature) and not takes_more):
            return f"a JMESPath expression ({name} takes {len(signature)} arguments, not {arguments})"
    return None


def _calls(node: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    """Every function that an expression calls, with the number of its arguments."""
    children = node.get("children")
    assert isinstance(children, list), "every JMESPath node has children"
    if node["type"] == "function_expression":
        yield str(node["value"]), len(children)
    for child in children:
        if isinstance(child, dict):
            yield from _calls(child)


def url(text: str) -> str | None:
    """An http or https URL with a host; [tokens] stand only behind the host, so that no answer can choose it."""
    found = _URL.fullmatch(text)
    if found is None or not found[1]:
        return "a URL that begins with http:// or https:// and a host"
    authority, rest = found.groups()
    if "@" in authority:
        return "a URL without user and password: send them in a header"
    host = _HOST_AND_PORT.fullmatch(authority)
    if host is None or (host[2] is not None and not 1 <= int(host[2]) <= _HIGHEST_PORT):
        return "a host without [tokens], and a port from 1 to 65535"
    if host[1] is not None and not _is_ipv6(host[1]):
        return "[tokens] only in the path and the query, never in the host"
    if any(not "!" <= char <= "~" for char in rest):
        return "visible ASCII characters; everything else percent-encoded"
    return None


def behind_host(text: str) -> str:
    """What of a URL may have [tokens]; the brackets of `http://[::1]/` are none."""
    found = _URL.fullmatch(text)
    return text if found is None else found[2]


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def header_name(name: str) -> str | None:
    """A header's name that may be set."""
    if not _HEADER_NAME.fullmatch(name):
        return "a header name: 1 to 64 letters, digits and - without [tokens]"
    return "headers other than those the HTTP client sets itself" if name.lower() in _OUR_HEADERS else None


def header_value(text: str) -> str | None:
    """A header's value, which may have [tokens]."""
    if _HEADER_VALUE.fullmatch(text):
        return None
    return "1 to 2048 visible ASCII characters, with spaces only inside, on one line"
