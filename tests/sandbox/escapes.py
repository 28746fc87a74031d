"""Ways out of a sandbox, tried one after the other, in one; prints which of them lead out, as JSON."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
OUTSIDE = json.loads(sys.argv[1]) if __name__ == "__main__" else {"home": "", "victim": 0, "mark": ""}
HOME, VICTIM, MARK = Path(OUTSIDE["home"]), OUTSIDE["victim"], OUTSIDE["mark"]


def called(result: int) -> bool:
    return result >= 0


def read_key() -> bool:
    return "secret" in (HOME / ".ssh/id_rsa").read_text()


def list_home() -> bool:
    return ".ssh" in os.listdir(HOME)


def read_accounts() -> bool:
    return "root" in Path("/etc/passwd").read_text()


def read_environment_of_server() -> bool:
    return b"secret" in Path(f"/proc/{VICTIM}/environ").read_bytes()


def read_memory_of_server() -> bool:
    os.close(os.open(f"/proc/{VICTIM}/mem", os.O_RDONLY))
    return True


def trace_server() -> bool:
    if LIBC.ptrace(16, VICTIM, None, None) < 0:
        return False
    os.waitpid(VICTIM, 0x40000000)
    return called(LIBC.ptrace(17, VICTIM, None, None))


def signal_server() -> bool:
    os.kill(VICTIM, 0)
    return True


def see_server() -> bool:
    return str(VICTIM) in os.listdir("/proc")


def slow_server_down() -> bool:
    os.setpriority(os.PRIO_PROCESS, VICTIM, 19)
    return True


def connect_by_path() -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(HOME / "server.s"))
    return True


def connect_by_name() -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"\0{MARK}")
    return True


def connect_by_tcp() -> bool:
    socket.create_connection(("127.0.0.1", OUTSIDE["port"]), 5).close()
    return True


def send_by_udp() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(MARK.encode(), ("127.0.0.1", OUTSIDE["datagrams"]))
    return OUTSIDE["bare"]  # who listens outside can tell


def write_agent() -> bool:
    (HOME / "agents/evil.py").write_text("")
    return True


def write_startup() -> bool:
    (HOME / ".ipython/profile_default/startup/evil.py").write_text("")
    return True


def write_site_packages() -> bool:
    path = Path(sysconfig.get_path("purelib")) / f"{MARK}.pth"
    path.write_text("")
    path.unlink()
    return True


def follow_link() -> bool:
    link = Path("link")
    link.unlink(missing_ok=True)
    link.symlink_to(HOME / ".ssh/id_rsa")
    return "secret" in link.read_text()


def link_hard() -> bool:
    os.link(HOME / ".ssh/id_rsa", "hard")
    return "secret" in Path("hard").read_text()


def leave_in_tmp() -> bool:
    path = Path(f"/tmp/{MARK}")
    path.write_text("")
    return OUTSIDE["bare"]  # it may be a private one


def leave_in_shared_memory() -> bool:
    Path(f"/dev/shm/{MARK}").write_text("")
    return OUTSIDE["bare"]


def share_memory() -> bool:
    made = LIBC.shmget(OUTSIDE["shared"], 4096, 0o1600)
    if made >= 0 and OUTSIDE["bare"]:
        LIBC.shmctl(made, 0, None)
    return OUTSIDE["bare"] and made >= 0


def ask_for_keys() -> bool:
    return called(LIBC.syscall(ctypes.c_long(250 if X86 else 219), 0, -4, 1))


def find_secret_in_environment() -> bool:
    return any("secret" in value for value in os.environ.values())


def become_root_of_own() -> bool:
    child = os.fork()
    if not child:
        os._exit(0 if called(LIBC.unshare(0x10000000)) else 1)
    return os.waitpid(child, 0)[1] == 0


def write_kernel_settings() -> bool:
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return True


def gain_rights() -> bool:
    return LIBC.prctl(39, 0, 0, 0, 0) == 0


def dump_core() -> bool:
    return resource.getrlimit(resource.RLIMIT_CORE)[1] != 0


def look_at_file() -> bool:
    return (HOME / ".ssh/id_rsa").stat().st_size > 0


def change_mode_of_file() -> bool:
    (HOME / "notes").chmod(0o600)
    return True


def lend_rights() -> bool:
    """Leave a program that runs with its maker's rights, whoever runs it."""
    ways: list[Callable[[], object]] = [
        lambda: os.close(os.open("made", os.O_CREAT | os.O_WRONLY, 0o4755)),
        lambda: os.chmod("given", 0o4755),
        lambda: os.fchmod(os.open("given", os.O_RDONLY), 0o2755),
        lambda: os.mknod("node", 0o104755),
        lambda: LIBC.syscall(ctypes.c_long(452), -100, b"given", 0o4755, 0),
    ]
    Path("given").write_text("")
    os.umask(0)
    for way in ways:
        try:
            way()
        except OSError:
            continue
    return any(
        Path(name).exists() and Path(name).stat().st_mode & 0o6000 for name in ("made", "given", "node")
    )


WAYS: list[Callable[[], bool]] = [
    read_key, list_home, read_accounts, read_environment_of_server, read_memory_of_server, trace_server,
    signal_server, see_server, slow_server_down, connect_by_path, connect_by_name,
    connect_by_tcp, send_by_udp, write_agent, write_startup, write_site_packages, follow_link, link_hard,
    leave_in_tmp, leave_in_shared_memory, share_memory, ask_for_keys, find_secret_in_environment,
    become_root_of_own, write_kernel_settings, gain_rights, dump_core, look_at_file, change_mode_of_file,
    lend_rights,
]  # fmt: skip


def main() -> None:
    """Try them all."""
    led_out = []
    for way in WAYS:
        try:
            if way():
                led_out.append(way.__name__)
        except (OSError, OverflowError):
            continue
    print(json.dumps(led_out))


if __name__ == "__main__":
    main()
