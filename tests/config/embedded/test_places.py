"""Where embedded services keep things."""

import os
import pwd
from pathlib import Path

import pytest

from config.embedded import places
from config.embedded.places import may_enter, programs_for, service_home, socket_folder

NOBODY = pwd.struct_passwd(("nobody", "x", 65534, 65534, "", "/", "/bin/false"))


def test_sockets_lie_in_the_service_s_own_folder(tmp_path: Path) -> None:
    short = Path("/srv/horae/postgres")
    assert socket_folder(short) == short / "run"


def test_a_path_too_long_for_a_socket_gets_a_short_one_always_the_same() -> None:
    long = Path("/srv") / ("x" * 90) / "postgres"
    folder = socket_folder(long)
    assert len(os.fsencode(folder)) < 80
    assert folder == socket_folder(long)
    assert folder != socket_folder(long.with_name("redis"))


@pytest.mark.parametrize(("mode", "may"), [(0o755, True), (0o711, True), (0o700, False), (0o750, False)])
def test_another_account_enters_only_through_open_folders(tmp_path: Path, mode: int, may: bool) -> None:
    inside = tmp_path / "above" / "inside"
    inside.mkdir(parents=True)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o755)
    inside.chmod(0o755)
    inside.parent.chmod(mode)
    assert may_enter(inside, account=NOBODY) is may


def test_a_folder_the_server_cannot_enter_points_to_one_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_APART", tmp_path / "apart")
    monkeypatch.setattr(places, "may_enter", lambda path, account: False)
    wanted = tmp_path / "data" / "postgres"
    home = service_home(wanted, account=NOBODY)
    assert home.is_relative_to(tmp_path / "apart")
    assert wanted.resolve() == home
    assert service_home(wanted, account=NOBODY) == home
    wanted.unlink()
    assert service_home(wanted, account=NOBODY) != home  # deleted data do not come back


def test_our_own_account_needs_no_copy(tmp_path: Path) -> None:
    assert programs_for(tmp_path, account=None) == tmp_path
    assert service_home(tmp_path / "postgres", account=None) == (tmp_path / "postgres").resolve()


def test_programs_another_account_cannot_reach_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_APART", tmp_path / "apart")
    monkeypatch.setattr(places, "may_enter", lambda path, account: False)
    tree = tmp_path / "package" / "pginstall18"
    for file in (tree / "bin" / "postgres", tmp_path / "package.libs" / "libpq.so"):
        file.parent.mkdir(parents=True)
        file.write_text("x")
    copy = programs_for(tree, account=NOBODY)
    assert (copy / "bin" / "postgres").read_text() == "x"
    assert (copy / ".." / ".." / "package.libs" / "libpq.so").read_text() == "x"
    assert programs_for(tree, account=NOBODY) == copy
