"""Connection overrides: what the fragment of a webhook's URL asks of Twilio, such as `#rc=3&rp=ct,rt,5xx`."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_ALL = frozenset({"ct", "rt", "4xx", "5xx"})


@dataclass(frozen=True)
class Overrides:
    """How often a request is repeated, and after which failures.

    `ct` is no connection, `rt` no answer, `4xx` and `5xx` are answers. Without overrides there is one more
    attempt when there was no connection.
    """

    retries: int = 1
    after: frozenset[str] = frozenset({"ct"})


def read(url: str) -> Overrides:
    """Read the overrides in a URL's fragment; what is not understood is left as it is by default."""
    asked = {name: values[-1] for name, values in parse_qs(urlsplit(url).fragment).items()}
    count = asked.get("rc", "")
    after = frozenset(asked.get("rp", "ct").split(","))
    return Overrides(
        retries=int(count) if count in {"0", "1", "2", "3", "4", "5"} else 1,
        after=_ALL if "all" in after else after & _ALL,
    )
