"""Files in an object store never leave the declared list, whatever the store answers."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings

from audit import residency
from audit.residency import OutsideJurisdiction
from config.files import ResidentS3Storage


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The application events written while the test runs."""
    events: list[dict[str, Any]] = []
    monkeypatch.setattr(residency, "note", lambda **event: events.append(event))
    return events


def storage(endpoint: str) -> ResidentS3Storage:
    """A bucket at `endpoint`."""
    return ResidentS3Storage(
        bucket_name="exports", endpoint_url=endpoint, region_name="x", access_key="a", secret_key="b"
    )


def test_an_undeclared_store_gets_nothing(noted: list[dict[str, Any]]) -> None:
    with pytest.raises(OutsideJurisdiction, match="files names the host store"):
        storage("https://store.example.com").save("a.txt", ContentFile(b"secret"))
    assert noted[0]["data"]["purpose"] == "files"


@override_settings(RESIDENCY_HOSTS=["store.example.com=DE"])
def test_a_declared_store_is_tried(noted: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    admit = residency.admit

    def admitted(*, url: str, purpose: str) -> None:
        admit(url=url, purpose=purpose)
        raise _Sent(url)

    monkeypatch.setattr(residency, "admit", admitted)
    with pytest.raises(_Sent, match=r"^https://store"):
        storage("https://store.example.com").save("a.txt", ContentFile(b"text"))
    assert noted == []


class _Sent(Exception):
    """The request would have left."""
