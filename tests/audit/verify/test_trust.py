"""A pinned key believes only what was signed under its own name, about the very thing asked for."""

import pytest

from audit import note
from audit.worm import names
from tests.audit.verify.history import LOG, OURS, THEIRS, trust

CHAIN = "clinic/1"
NAME = f"{LOG}/{CHAIN}"
KEY = "chains/clinic/1/seg/x/manifest.json"
ROOT = b"\x01" * 32


def signed(text: str, *, name: str = NAME) -> bytes:
    return note.sign_note(text=text, name=name, signer=OURS)


def test_what_was_signed_for_the_chain_is_believed() -> None:
    checkpoint = note.Checkpoint(NAME, 3, ROOT)
    assert trust(OURS).checkpoint(signed(checkpoint.text), chain=CHAIN) == checkpoint
    statement = note.Statement(NAME, KEY, ROOT)
    assert trust(THEIRS, OURS).statement(signed(statement.text), chain=CHAIN, key=KEY) == statement


def test_a_head_that_names_another_chain_than_its_signature_is_refused() -> None:
    text = note.Checkpoint(f"{LOG}/clinic/2", 3, ROOT).text
    with pytest.raises(note.NoteError, match="another chain"):
        trust(OURS).checkpoint(signed(text), chain=CHAIN)
    with pytest.raises(note.NoteError, match="no trusted key"):
        trust(OURS).checkpoint(signed(text, name=f"{LOG}/clinic/2"), chain=CHAIN)


@pytest.mark.parametrize(
    "statement",
    [note.Statement(f"{LOG}/clinic/2", KEY, ROOT), note.Statement(NAME, KEY.replace("/x/", "/y/"), ROOT)],
)
def test_a_statement_about_something_else_is_refused(statement: note.Statement) -> None:
    with pytest.raises(note.NoteError, match="something else"):
        trust(OURS).statement(signed(statement.text), chain=CHAIN, key=KEY)


def test_a_statement_is_no_head_and_a_head_no_statement() -> None:
    with pytest.raises(note.NoteError):
        trust(OURS).checkpoint(signed(note.Statement(NAME, KEY, ROOT).text), chain=CHAIN)
    with pytest.raises(note.NoteError):
        trust(OURS).statement(signed(note.Checkpoint(NAME, 3, ROOT).text), chain=CHAIN, key=KEY)


def test_the_name_of_the_log_is_part_of_the_trust() -> None:
    text = note.Checkpoint(names.origin(log=LOG, chain=CHAIN), 3, ROOT).text
    with pytest.raises(note.NoteError, match="no trusted key"):
        trust(OURS, log="other.example").checkpoint(signed(text), chain=CHAIN)
