"""Many children's logs as one readable stream: each line behind the name of who said it, in colour on a terminal."""

import contextlib
import sys
import threading
from typing import IO, TextIO

_COLOURS = ("36", "32", "33", "35", "34", "31")
_WIDTH = 9


class Merged:
    """Writes lines of several children to one stream, whole lines only."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._colours: dict[str, str] = {}
        self._readers: list[threading.Thread] = []

    def say(self, name: str, line: str) -> None:
        """Write one line said by `name`. A terminal that went away does not end the services."""
        with self._lock:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            head = f"{name:<{_WIDTH}}|"
            if self._stream.isatty():
                head = f"\033[{colour}m{head}\033[0m"
            with contextlib.suppress(BrokenPipeError, ValueError):
                print(head, line, file=self._stream, flush=True)

    def follow(self, name: str, source: IO[bytes]) -> None:
        """Repeat everything `source` says until it ends, in a thread."""
        reader = threading.Thread(target=self._read, args=(name, source), name=f"log of {name}", daemon=True)
        reader.start()
        self._readers.append(reader)

    def finish(self) -> None:
        """Wait until what the children said last is written."""
        for reader in self._readers:
            reader.join(timeout=2)

    def _read(self, name: str, source: IO[bytes]) -> None:
        with source:
            for line in source:
                self.say(name, line.decode(errors="replace").rstrip())
