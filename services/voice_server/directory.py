"""Which running call is meant: each under its names, and once under the secret in its INVITE."""

from collections import deque

from services.voice_server.call_runner import CallRunner

_REMEMBERED_SECRETS = 1000


class Directory:
    """Find running calls by what others call them.

    Secrets are kept apart from names: whoever knows the id of a call must not pass it off as its secret.
    """

    def __init__(self) -> None:
        self._named: dict[str, CallRunner] = {}
        self._by_secret: dict[str, CallRunner] = {}
        self._late: deque[str] = deque(maxlen=_REMEMBERED_SECRETS)

    def __len__(self) -> int:
        return len(self._named) + len(self._by_secret)

    def find(self, name: str) -> CallRunner | None:
        """Find a call by its ref, or by Twilio's or OpenAI's id of it."""
        return self._named.get(name)

    def enter(self, runner: CallRunner, *names: str | None, secret: str | None = None) -> None:
        """Know a call under these names, and under a secret that is good for one use."""
        self._named |= {name: runner for name in names if name}
        if secret:
            self._by_secret[secret] = runner

    def use_secret(self, secret: str) -> CallRunner | None:
        """Find a call by its secret, which is used up by that."""
        return self._by_secret.pop(secret, None)

    def was_ours(self, secret: str) -> bool:
        """Tell whether a secret belonged to a call that has gone without using it."""
        return secret in self._late

    def remove(self, runner: CallRunner) -> None:
        """Know a call no more."""
        self._late.extend(secret for secret, other in self._by_secret.items() if other is runner)
        for names in (self._named, self._by_secret):
            for name in [name for name, other in names.items() if other is runner]:
                del names[name]
