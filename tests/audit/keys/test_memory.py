"""Opened clinic keys stay for minutes and answer for their own row only."""

from audit.keys.memory import OpenedKeys
from audit.keys.secret import SecretKey


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_key_is_opened_once_and_again_after_its_time() -> None:
    clock = Clock()
    held = OpenedKeys(seconds=300, clock=clock)
    opened: list[SecretKey] = []

    def open_key() -> SecretKey:
        opened.append(SecretKey.generate())
        return opened[-1]

    assert held.get(b"wrapped", open_key) is held.get(b"wrapped", open_key)
    clock.seconds = 299
    held.get(b"wrapped", open_key)
    assert len(opened) == 1
    clock.seconds = 300
    held.get(b"wrapped", open_key)
    assert len(opened) == 2


def test_a_key_past_its_time_leaves_memory_when_any_key_is_asked_for() -> None:
    clock = Clock()
    held = OpenedKeys(seconds=300, clock=clock)
    held.get(b"one", SecretKey.generate)
    clock.seconds = 301
    held.get(b"other", SecretKey.generate)
    assert repr(held) == "<OpenedKeys 1>"


def test_another_wrapped_form_is_another_key() -> None:
    held = OpenedKeys()
    assert held.get(b"one", SecretKey.generate) is not held.get(b"other", SecretKey.generate)


def test_forgetting_opens_again() -> None:
    held = OpenedKeys()
    before = held.get(b"one", SecretKey.generate)
    held.forget()
    assert held.get(b"one", SecretKey.generate) is not before
