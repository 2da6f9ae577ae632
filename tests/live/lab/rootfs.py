"""A small root file system with bash and OpenSSH, made of this machine's own files: no image is fetched."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .missing import MissingError

TOOLS = """
    bash sh ls cat ps sleep echo env id whoami hostname uname tty stty true false mkdir rm cp mv head tail grep sed
    awk seq date wc sort tee kill sshd ssh-keygen clear df nproc nohup timeout printf
"""
EXTRA = """
    /usr/lib/openssh/sshd-session /usr/lib/openssh/sshd-auth /usr/lib/openssh/sftp-server
    /lib/*/libnss_files.so.2 /lib/terminfo/x/xterm /lib/terminfo/x/xterm-256color /usr/share/terminfo/x/xterm-256color
    /etc/nsswitch.conf /etc/login.defs
"""
NEEDED = ("bash", "sshd", "ssh-keygen", "stty", "sleep", "nohup")
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_FOLDERS = "usr/bin usr/sbin usr/lib usr/lib64 etc/ssh run/sshd tmp root var/log proc sys dev"
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_SSHD_CONFIG = """\
PermitRootLogin yes
PasswordAuthentication yes
UsePAM no
PrintLastLog no
Subsystem sftp /usr/lib/openssh/sftp-server
"""
_ENTRY = """\
#!/bin/bash
ssh-keygen -A >/dev/null 2>&1
exec /usr/sbin/sshd -D -e
"""


def build(root: Path, password: str) -> None:
    """Fill ``root``; its ``/entry.sh`` runs an sshd where root logs in with ``password``. Raises MissingError."""
    lay_out(root)
    for path in _wanted():
        copy(path, root)
        for library in libraries(path):
            copy(library, root)
    hashed = _hash(password)
    files = {
        "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsshd:x:104:65534::/run/sshd:/usr/sbin/nologin\n",
        "etc/shadow": f"root:{hashed}:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n",
        "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
        "etc/ssh/sshd_config": _SSHD_CONFIG,
        "root/.bashrc": "PS1='[\\u@\\h \\w]# '\n",
        "var/log/lastlog": "",
        "root/.bash_profile": ". ~/.bashrc\n",
        "entry.sh": _ENTRY,
    }
    for name, text in files.items():
        (root / name).write_text(text)
    (root / "entry.sh").chmod(0o755)


def lay_out(root: Path) -> None:
    """Make the folders and links of a system that has nothing yet."""
    for folder in _FOLDERS.split():
        (root / folder).mkdir(parents=True, exist_ok=True)
    for link, target in _LINKS.items():
        (root / link).symlink_to(target)


def _wanted() -> list[Path]:
    found = {tool: shutil.which(tool, path=SEARCH) for tool in TOOLS.split()}
    if lacking := [tool for tool in NEEDED if found[tool] is None]:
        raise MissingError(f"this machine has no {', '.join(lacking)}: install openssh-server and procps")
    extra = [path for pattern in EXTRA.split() for path in Path("/").glob(pattern.lstrip("/"))]
    return [Path(path) for path in found.values() if path] + extra


def copy(path: Path, root: Path) -> None:
    """Copy a file of this machine to the same place below ``root``."""
    target = root / str(path).lstrip("/")
    if path.is_file() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path.resolve(), target)


def libraries(path: Path) -> list[Path]:
    """Return the libraries that a program or a library loads."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    return [Path(word) for word in re.findall(r"(/\S+)", listed)]


def _hash(password: str) -> str:
    made = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True
    )
    return made.stdout.strip()
