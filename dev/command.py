"""`make doctor`, `connect` and `smoke`: by your settings, or beside `make run`'s sandbox without accounts."""

import os
import sys

from dev.programs import Ports, beside_the_sandbox
from shared.settings import load


def main() -> None:
    """Become a command of the voice server."""
    ports = load(Ports)
    environment = dict(os.environ)  # noqa: TID251 - it goes on under our own name
    if ports.openai_api_key is None:
        print(
            "There is no OPENAI_API_KEY, so this is about the sandbox that `make run` starts.\n", flush=True
        )
        environment |= beside_the_sandbox(ports)[1]
    command = (sys.executable, "-m", "services.voice_server", *sys.argv[1:])
    os.execve(sys.executable, command, environment)  # noqa: S606 - a command of our own


if __name__ == "__main__":
    main()
