"""`python -m config.messages`: `update` the catalogues from the code, `check` them, `compile` them."""

import argparse
import sys

from config.env import ROOT
from config.messages.catalogues import compile_all, faults, update
from config.messages.extract import messages


def main(arguments: list[str]) -> int:
    """Do one of the three; 1 when a text is owed."""
    parser = argparse.ArgumentParser(prog="python -m config.messages", description=__doc__)
    parser.add_argument("what", choices=("update", "check", "compile"))
    what = parser.parse_args(arguments).what
    if what == "compile":
        print("compiled:", compile_all([ROOT / "locale"]))
        return 0
    found = messages(ROOT)
    if what == "update":
        for language, owed in update(root=ROOT, found=found).items():
            print(f"{language}: {len(found)} texts, {owed} to translate")
        return 0
    wrong = list(faults(root=ROOT, found=found))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
