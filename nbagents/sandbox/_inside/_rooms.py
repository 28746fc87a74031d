"""Rooms of our own: namespaces in which there is no network, no other process, and only the files named."""

from __future__ import annotations

import ctypes
import os
import struct

from ._kernel import checked, die_with_parent, libc, syscall
from ._settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["enter_rooms"]

NEW_MOUNTS, NEW_NAMES, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USER, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
MOUNT_SETATTR, RECURSIVE, HERE = 442, 0x8000, -100
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
READ_ONLY, NO_SETUID, NO_DEVICES = 1, 2, 4
BIND, WITH_ALL_BELOW, PRIVATE, DETACH = 0x1000, 0x4000, 0x40000, 2
ANYBODY = 1000
"""Who root is inside: root's name would open doors that are meant for root."""
DEVICES = ("null", "zero", "full", "random", "urandom")
SET_INTERFACE, UP = 0x8914, 0x1
FEWEST = 301
"""The least that the kernel accepts as the highest number of a process."""


def enter_rooms(settings: Settings, leave: Callable[[], None]) -> None:
    """Go on as the first process of new namespaces; this process waits outside, and ends as that one does.

    ``leave`` is called by the one that stays outside.

    Raises:
        OSError: the kernel does not grant it.
    """
    uid, gid = os.getuid(), os.getgid()
    network = 0 if settings.number("network") else NEW_NETWORK
    wanted = NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_IPC | NEW_NAMES | network
    checked("a user namespace", libc.unshare(ctypes.c_int(wanted)))
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid or ANYBODY} {uid} 1")
    _write("/proc/self/gid_map", f"{gid or ANYBODY} {gid} 1")
    inside = os.fork()
    if inside:
        leave()
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1]) & 0xFF)
    die_with_parent()
    libc.sethostname(b"sandbox", 7)
    if network:
        _loopback()
    _furnish(settings)


def _furnish(settings: Settings) -> None:
    """Make an empty root, put in what may be seen, and take the old one away."""
    _mount("none", "/", "", WITH_ALL_BELOW | PRIVATE)
    _mount("tmpfs", "/tmp", "tmpfs", NO_SETUID | NO_DEVICES, "mode=0755,size=1m")
    os.mkdir("/tmp/new")
    os.mkdir("/tmp/old")
    _turn("/tmp", "/tmp/old")
    _mount("/new", "/new", "", BIND | WITH_ALL_BELOW)
    size = f"mode=1777,size={settings.number('temporary')}"
    places: list[tuple[str, str, str]] = [(path, "room", "") for path in ("/tmp", "/dev/shm")]
    places += [(path, "read", real) for real, path in settings.pairs("read")]
    places += [(path, "write", path) for path in settings.texts("folder")]
    places += [(f"/dev/{name}", "device", f"/dev/{name}") for name in DEVICES]
    for path, target in settings.pairs("links"):
        os.symlink(target, f"/new{path}")
    for path, kind, real in sorted(places):
        if kind == "room":
            os.makedirs(f"/new{path}", exist_ok=True)
            _mount("tmpfs", f"/new{path}", "tmpfs", NO_SETUID | NO_DEVICES, size)
            if path == "/tmp":
                os.mkdir("/new/tmp/home")
            continue
        _make_room(f"/old{real}", f"/new{path}")
        _mount(f"/old{real}", f"/new{path}", "", BIND | WITH_ALL_BELOW)
        if kind != "device":
            _restrict(f"/new{path}", NO_SETUID | NO_DEVICES | (READ_ONLY if kind == "read" else 0))
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, f"/new/dev/{name}")
    os.mkdir("/new/proc")
    if settings.number("processes_shown"):
        _mount("proc", "/new/proc", "proc", NO_SETUID | NO_DEVICES)
        try:
            _write("/new/proc/sys/kernel/pid_max", str(max(FEWEST, 2 * settings.number("processes"))))
        except OSError:
            pass  # an older kernel has one for all
        _restrict("/new/proc", READ_ONLY | NO_SETUID | NO_DEVICES)
    checked("taking the old root away", libc.umount2(b"/old", DETACH))
    _turn("/new", "/new")
    checked("taking the first root away", libc.umount2(b"/", DETACH))
    os.chdir("/")
    _restrict("/", READ_ONLY | NO_SETUID | NO_DEVICES, 0)


def _make_room(real: str, path: str) -> None:
    if os.path.isdir(real):
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _turn(new: str, old: str) -> None:
    """Make a folder the root; the root before is at ``old`` then."""
    os.chdir(new)
    number = PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(38, f"machines of the kind {os.uname().machine} are not known", "a new root")
    syscall("a new root", number, new.encode(), old.encode())
    os.chdir("/")


def _mount(what: str, where: str, kind: str, flags: int, options: str = "") -> None:
    names = [name.encode() for name in (what, where, kind)]
    result = libc.mount(*names, ctypes.c_ulong(flags), options.encode() or None)
    checked(f"mounting {where.removeprefix('/new')}", result)


def _restrict(where: str, attributes: int, how: int = RECURSIVE) -> None:
    wanted = struct.pack("=QQQQ", attributes, 0, 0, 0)
    size = ctypes.c_size_t(len(wanted))
    syscall(
        f"closing {where}",
        MOUNT_SETATTR,
        ctypes.c_int(HERE),
        where.encode(),
        ctypes.c_uint(how),
        wanted,
        size,
    )


def _loopback() -> None:
    """Let programs inside talk to each other by 127.0.0.1."""
    fd = libc.socket(2, 2, 0)
    if fd >= 0:
        libc.ioctl(fd, ctypes.c_ulong(SET_INTERFACE), struct.pack("16sH14x", b"lo", UP))
        os.close(fd)


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
