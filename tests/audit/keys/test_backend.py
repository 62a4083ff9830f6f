"""KEYS_URL: a place this version knows, or a refusal."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from audit.keys.backend import KeysUnconfigured, backend
from audit.keys.local import LocalKeys


def test_a_file_url_opens_the_local_store(settings: Settings, tmp_path: Path) -> None:
    settings.KEYS_URL = f"file://{tmp_path}/a%20b/keystore.json"
    opened = backend()
    assert isinstance(opened, LocalKeys)
    assert opened.path == tmp_path / "a b" / "keystore.json"


@pytest.mark.parametrize(
    "url", ["", "vault://host/key", "keystore.json", "file://host/keystore.json", "file:keystore.json"]
)
def test_anything_else_is_refused_in_one_sentence(settings: Settings, url: str) -> None:
    settings.KEYS_URL = url
    with pytest.raises(KeysUnconfigured, match=r"^KEYS_URL [^\n]*$"):
        backend()
