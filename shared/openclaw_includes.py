"""OpenClaw's `$include`: a configuration in several files, put together as OpenClaw does it."""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import json5
import orjson

_KEY = "$include"
_DEEPEST = 10


class IncludeError(ValueError):
    """An included file cannot be had; the text names it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Read a configuration with all that it includes.

    Args:
        wanted: the sections that matter; what others include is not read.
        opening: is told each file just before it is read.
    """

    wanted: Collection[str]
    opening: Callable[[Path], object]

    def read(self, path: Path) -> Any:
        """Read a file, JSON or JSON5, and whatever it includes.

        Raises:
            OSError: the file itself cannot be read.
            ValueError: it is no JSON5, or what it includes cannot be had.
        """
        return self._whole(self._content(path), (path,), self.wanted)

    def _content(self, path: Path) -> Any:
        self.opening(path)
        content = path.read_bytes()
        # Most files are plain JSON, which is read a thousand times faster.
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            return json5.loads(content.decode())

    def _whole(self, value: Any, files: tuple[Path, ...], wanted: Collection[str] | None = None) -> Any:
        """Resolve what a value of the last of these files includes; each is included by the one before."""
        if isinstance(value, list):
            return [self._whole(part, files) for part in value]
        if not isinstance(value, dict):
            return value
        beside = {
            key: self._whole(part, files)
            for key, part in value.items()
            if key != _KEY and (wanted is None or key in wanted)
        }
        if _KEY not in value:
            return beside
        included = self._included(value[_KEY], files, wanted)
        if len(value) == 1:
            return included
        if not isinstance(included, dict):
            raise IncludeError(
                f"{files[-1]}: what {_KEY} names must be an object where other keys are beside it"
            )
        return _merged(included, beside)

    def _included(self, named: Any, files: tuple[Path, ...], wanted: Collection[str] | None) -> Any:
        if isinstance(named, str):
            return self._file(named, files, wanted)
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            raise IncludeError(f"{files[-1]}: {_KEY} must be a path or a list of paths")
        included: Any = {}
        for name in named:
            included = _merged(included, self._file(name, files, wanted))
        return included

    def _file(self, name: str, files: tuple[Path, ...], wanted: Collection[str] | None) -> Any:
        path = Path(os.path.normpath(files[-1].parent / name))
        if path in files:
            raise IncludeError(f"{files[-1]} includes {path}, which includes it in turn")
        if len(files) > _DEEPEST:
            raise IncludeError(f"{files[-1]} includes {path}: that is more than {_DEEPEST} files deep")
        try:
            content = self._content(path)
        except OSError as error:
            raise IncludeError(
                f"{files[-1]} includes {path}, which cannot be read ({error.strerror}): "
                "make it readable for us; in a container its folder must be mounted at that path"
            ) from error
        except ValueError as error:
            raise IncludeError(f"{path}: {error}") from error
        return self._whole(content, (*files, path), wanted)


def _merged(under: Any, over: Any) -> Any:
    """Lay one value over another: objects key by key, lists one after the other, else the upper counts."""
    if isinstance(under, list) and isinstance(over, list):
        return under + over
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    return under | {key: _merged(under[key], part) if key in under else part for key, part in over.items()}
