"""Where the embedded services keep things, so that everyone who needs to find them finds them."""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

_APART = Path("/var/lib/horae")
_SOCKET_LIMIT = 80  # a unix socket's path holds 107 bytes, the longest name in it 20


def _mark(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def socket_folder(home: Path) -> Path:
    """Return the folder for the unix sockets of the service in `home`: inside it, unless that path is too long."""
    inside = home.resolve() / "run"
    if len(os.fsencode(inside)) <= _SOCKET_LIMIT:
        return inside
    return Path(tempfile.gettempdir()) / f"horae-{_mark(home.resolve())}"


def may_enter(path: Path, *, account: pwd.struct_passwd) -> bool:
    """Tell whether `account` may pass through every folder above `path` and read `path` itself, by permission bits."""
    path = path.resolve()
    needs = [(parent, 0o1) for parent in path.parents] + [(path, 0o5)]
    for step, need in needs:
        if not step.exists():
            continue
        found = step.stat()
        shift = 6 if found.st_uid == account.pw_uid else 3 if found.st_gid == account.pw_gid else 0
        if (stat.S_IMODE(found.st_mode) >> shift) & need != need:
            return False
    return True


def service_home(wanted: Path, *, account: pwd.struct_passwd | None) -> Path:
    """Return the folder a service lives in, made: `wanted`, or a folder apart that `wanted` then points to.

    `account` is the unprivileged account it will run as, None for our own; when that account may not enter `wanted`
    (a checkout below /root), the folder lies below /var/lib/horae.
    """
    if wanted.is_symlink() and not wanted.exists():
        wanted.resolve().mkdir(parents=True)
    if wanted.exists():
        return wanted.resolve()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if account is None or may_enter(wanted.parent, account=account):
        wanted.mkdir(mode=0o755)
        return wanted.resolve()
    _APART.mkdir(parents=True, exist_ok=True)
    # a name of its own each time: data whose link was deleted must not come back under new keys
    apart = Path(tempfile.mkdtemp(prefix=f"{_mark(wanted.resolve())}-", dir=_APART)) / wanted.name
    apart.mkdir()
    for folder in (_APART, apart.parent, apart):
        folder.chmod(0o755)
    wanted.symlink_to(apart)
    return apart


def programs_for(installed: Path, *, account: pwd.struct_passwd | None) -> Path:
    """Return a copy of the program tree `installed` that `account` may run: itself, or one below /var/lib/horae.

    `installed` is a folder in a wheel's package (`site-packages/package/tree`). Its programs find the wheel's libraries
    (`site-packages/package.libs`) by their relative place, so the copy keeps that.
    """
    if account is None or may_enter(installed / "bin", account=account):
        return installed
    package = installed.parent
    copy = _APART / f"programs-{_mark(installed)}"
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(installed, fresh / package.name / installed.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        for folder in (_APART, fresh, fresh / package.name):
            folder.chmod(0o755)
        fresh.rename(copy)
    return copy / package.name / installed.name
