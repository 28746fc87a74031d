"""The command that starts a sandbox of a level, and its environment."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ._inside._settings import Settings
from ._level import Level
from ._limits import Limits
from ._view import DEVICES, View, inside_folder

__all__ = ["Launch", "bubblewrap"]

PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from _inside._main import main; main()"
ALL_FAMILIES = [1, 2, 10, 16]
"""Local sockets, IPv4, IPv6, and the list of network devices."""
LOCAL = 1
ANYBODY = "1000"


def bubblewrap() -> str | None:
    """Return where bubblewrap is; None if it is not installed."""
    return shutil.which("bwrap")


class Launch:
    """How a program is started in a sandbox of a level.

    ``scratch`` is a private folder outside, of those levels that have no temporary folders of their own.
    """

    def __init__(
        self,
        level: Level,
        view: View,
        limits: Limits,
        *,
        network: bool,
        sockets: bool,
        scratch: Path | None,
        shows_processes: bool = True,
    ) -> None:
        self.level, self.view, self.limits = level, view, limits
        self.network, self.sockets, self.scratch = network, sockets, scratch
        self.shows_processes = shows_processes

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of the program."""
        home, temporary = (
            ("/tmp/home", "/tmp") if self.scratch is None else (self.scratch / "home", self.scratch)
        )
        places = [os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"]
        return {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": os.pathsep.join(dict.fromkeys(places)),
            "TMPDIR": str(temporary),
            **more,
        }

    def command(self, argv: Sequence[str], line: int, environment: Mapping[str, str]) -> list[str]:
        """Return the command; ``line`` is the descriptor by which it hears of us."""
        settings = self._settings(argv, line).as_arguments()
        inside = [sys.executable, "-I", "-S", "-c", PROGRAM, str(inside_folder()), *settings]
        return inside if self.level is not Level.BUBBLEWRAP else [*self._bubblewrap(environment), *inside]

    def _settings(self, argv: Sequence[str], line: int) -> Settings:
        view, limits, has_rooms = self.view, self.limits, self.level >= Level.NAMESPACES
        read, write = [path for _, path in view.read], [view.folder, *DEVICES]
        if has_rooms:  # there is nothing else to be seen
            read, write = ["/"], [*write, "/tmp", "/dev/shm"]
        elif self.scratch is not None:
            write.append(str(self.scratch))
        local = [LOCAL] if self.sockets else []
        return Settings(
            {
                "level": [int(self.level)],
                "line": [line],
                "argv": [os.fspath(one) for one in argv],
                "folder": [view.folder],
                "read": [path for pair in view.read for path in pair],
                "links": [path for pair in view.links.items() for path in pair],
                "network": [int(self.network)],
                "temporary": [int(limits.file)],
                "processes_shown": [int(self.shows_processes)],
                "memory": [int(limits.memory)],
                "processes": [int(limits.processes)],
                "file": [int(limits.file)],
                "files": [int(limits.files)],
                "others": [0 if has_rooms and _counts_apart() else tasks_of_user()],
                "landlock": [int(self.level >= Level.LANDLOCK)],
                "may_read": read,
                "may_write": write,
                "families": ALL_FAMILIES if has_rooms or self.network else local,
            }
        )

    def _bubblewrap(self, environment: Mapping[str, str]) -> list[str]:
        size = str(int(self.limits.file))
        command = [
            bubblewrap() or "bwrap",
            "--unshare-user",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
        ]
        command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--as-pid-1"]
        command += ["--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
        if not self.network:
            command.append("--unshare-net")
        if os.getuid() == 0:
            command += ["--uid", ANYBODY, "--gid", ANYBODY]
        for name, value in environment.items():
            command += ["--setenv", name, value]
        if self.shows_processes:
            command += ["--proc", "/proc"]
        command += ["--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
        for path, target in self.view.links.items():
            command += ["--symlink", target, path]
        places = {"/tmp": ["--size", size, "--tmpfs", "/tmp"]}
        places["/tmp/home"] = ["--dir", "/tmp/home"]
        places |= {path: ["--ro-bind", real, path] for real, path in self.view.read}
        places[self.view.folder] = ["--bind", self.view.folder, self.view.folder]
        for _, arguments in sorted(places.items()):
            command += arguments
        return [*command, "--remount-ro", "/", "--chdir", self.view.folder, "--"]


def _counts_apart() -> bool:
    """Does the kernel count the processes of a user namespace by themselves?"""
    numbers = platform.release().split(".")[:2]
    return all(number.isdigit() for number in numbers) and tuple(map(int, numbers)) >= (5, 14)


def tasks_of_user() -> int:
    """Return how many processes and threads this user has, since the kernel counts them all; 0 for root."""
    if os.getuid() == 0 or platform.system() != "Linux":
        return 0
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == os.getuid():
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue  # it has just ended, or is closed to others: root's then
    return count
