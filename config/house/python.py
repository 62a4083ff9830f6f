"""Rules for Python files: length, names, where imports stand."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from config.house.breach import Breach

LONGEST = 300
LONGEST_TEST = 600  # a test file mirrors one module, whose rules may be many
NOTHING_NAMES = frozenset(
    {"utils", "util", "helpers", "helper", "common", "services", "misc", "shared", "lib", "tools"}
)


def breaches(path: str, text: str) -> Iterator[Breach]:
    """Yield what is wrong with one Python file; `path` is relative to the repository."""
    yield from _name(path)
    lines, most = text.count("\n"), LONGEST_TEST if path.startswith("tests/") else LONGEST
    if lines > most:
        yield Breach(path, most, f"{lines} lines; at most {most}: split it by noun")
    yield from _inner_imports(path, text)


def _name(path: str) -> Iterator[Breach]:
    place = PurePosixPath(path)
    for part in (*place.parts[:-1], place.stem):
        if part == "services" and place.parts[0] == "bookings":
            continue  # healthcare services are things a clinic has
        if part in NOTHING_NAMES:
            yield Breach(path, 1, f"'{part}' names nothing: call it after its subject")


def _inner_imports(path: str, text: str) -> Iterator[Breach]:
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    yield Breach(path, node.lineno, "import inside a function: it hides a cycle")
