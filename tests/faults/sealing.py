"""A sequencer and sealer that never rests, to be killed in the midst: `python -m tests.faults.sealing`.

Says `ready` once it begins. Small batches and a look around between all steps make every state one that it can die in.
"""

import contextlib
import os
import sys
import time
from datetime import UTC, datetime
from importlib import import_module

import django


def main() -> None:
    """Sequence and seal until killed, or until whoever started it is gone."""
    django.setup()
    seal, sequence = import_module("audit.sealer").seal, import_module("audit.sequencer").sequence
    parent = os.getppid()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while os.getppid() == parent:
        with contextlib.suppress(Exception):  # another sealer took over, or a chain is being worked at
            sequence(batch=20)
            seal(now=datetime.now(UTC), reached=lambda _step: time.sleep(0.02))


if __name__ == "__main__":
    main()
