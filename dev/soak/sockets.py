"""The open sockets of a process, as the kernel lists them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

_STATES = {"01": "established", "06": "time-wait", "08": "close-wait", "0A": "listening"}


def open_sockets(pid: int, names: Mapping[int, str]) -> Counter[str]:
    """Count the sockets of a process by what they are: `established, to the sandbox`.

    Args:
        pid: of the process.
        names: who listens on which port of this machine.
    """
    known = connections(Path("/proc/net/tcp").read_text(encoding="ascii"), names)
    found: Counter[str] = Counter()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            kind, _, inode = str(entry.readlink()).partition(":")
        except FileNotFoundError:  # closed while we were looking
            continue
        if kind == "socket":
            found[known.get(inode.strip("[]"), "not TCP")] += 1
    return found


def connections(table: str, names: Mapping[int, str]) -> dict[str, str]:
    """Read `/proc/net/tcp`: what each socket is, by its inode."""
    read: dict[str, str] = {}
    for line in table.splitlines()[1:]:
        columns = line.split()
        ours, theirs = (int(column.rpartition(":")[2], 16) for column in columns[1:3])
        state = _STATES.get(columns[3], f"state {columns[3]}")
        if theirs in names:
            state += f", to the {names[theirs]}"
        elif ours in names:
            state += f", at the {names[ours]}"
        read[columns[9]] = state
    return read
