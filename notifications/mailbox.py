"""Reading the local folder that stands for the mail server in the demo."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]+\.log")
_BETWEEN: Final = b"\n" + b"-" * 79 + b"\n"
"""What Django's file backend writes after each message; messages of one connection share a file."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it was handed over."""

    id: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def to(self) -> str:
        return str(self.message["To"] or "")

    @property
    def sender(self) -> str:
        return str(self.message["From"] or "")

    @property
    def sent(self) -> datetime | None:
        """When it was written; aware."""
        header = self.message["Date"]
        if header is None:
            return None
        written: datetime = header.datetime
        return written if written.tzinfo else written.replace(tzinfo=UTC)  # `-0000` (RFC 5322 3.3) reads as naive

    @property
    def text(self) -> str:
        """The plain text part."""
        part = self.message.get_body(preferencelist=("plain",))
        return "" if part is None else str(part.get_content())

    @property
    def attachments(self) -> list[str]:
        """Names of the attached files."""
        return [part.get_filename() or part.get_content_type() for part in self.message.iter_attachments()]


def newest(folder: Path, *, most: int = 100) -> list[Mail]:
    """The latest messages in the folder, newest first; empty when there is none."""
    found: list[Mail] = []
    for path in _files(folder):
        found += reversed(list(_read(path)))
        if len(found) >= most:
            break
    return found[:most]


def one(folder: Path, *, mail_id: str) -> Mail | None:
    """The message of that id (`file.log:0`), or None. An id never leads out of the folder."""
    name, _, number = mail_id.partition(":")
    if not _NAME.fullmatch(name) or not (folder / name).is_file():
        return None
    return next((mail for mail in _read(folder / name) if mail.id == f"{name}:{number}"), None)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=_written, reverse=True)


def _written(path: Path) -> tuple[float, str]:
    return path.stat().st_mtime, path.name


def _read(path: Path) -> Iterator[Mail]:
    for number, content in enumerate(path.read_bytes().split(_BETWEEN)):
        if content.strip():
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            yield Mail(id=f"{path.name}:{number}", message=message)
