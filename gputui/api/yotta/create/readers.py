"""Readers of Yotta's forms: texts as users write them, values as the API has them.

Speaks for the limits of the data model's requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from gputui.api.common.form_values import Body, read_count, read_line, read_several, read_variables, within
from gputui.api.common.ssh_command import LAST_PORT
from gputui.text import clean

LONGEST_NAME = 255
LONGEST_ENDPOINT_NAME = 20
LONGEST_WEBHOOK = 512
LEAST_VOLUME = 20
"""The smallest container volume of an endpoint's workers, in GB."""
LARGEST_VOLUME = 10240
"""The largest volume, in GB."""

_ID = re.compile(r"[0-9]{1,18}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ENDPOINT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9@._-]*")
_PORT = re.compile(r"([0-9]{1,5})\s*/\s*([A-Za-z]+)")
_MOUNT = re.compile(r"([0-9]{1,18})\s*:\s*(/\S*)")
_BACKUP = re.compile(r"\s+backup$", re.IGNORECASE)


def at_most(characters: int, reader: Callable[[str], str] = read_line) -> Callable[[str], str]:
    """Return a reader of texts of so many characters."""

    def read(text: str) -> str:
        if len(text) > characters:
            raise ValueError(f"is too long; {characters} characters are the most")
        return reader(text)

    return read


read_name = at_most(LONGEST_NAME)
"""Reads a name of 1 to 255 characters."""
read_size = within(1, LARGEST_VOLUME, f"must be whole GB from 1 to {LARGEST_VOLUME}")
"""Reads the size of a volume."""


def _endpoint_name(text: str) -> str:
    if not (text[:1].isascii() and text[:1].isalpha()):
        raise ValueError("must begin with a letter")
    if not _ENDPOINT_NAME.fullmatch(text):
        raise ValueError("may contain only letters, digits and @ . _ -")
    return text


read_endpoint_name = at_most(LONGEST_ENDPOINT_NAME, _endpoint_name)
"""Reads a name of at most 20 characters: a letter, then letters, digits and ``@ . _ -``."""


def read_word(text: str) -> str:
    """Read a text without spaces: an image, a registry."""
    if text.split() != [text] or clean(text) != text:
        raise ValueError("must not contain spaces or control characters")
    return text


def read_code(text: str) -> str:
    """Read the code of a GPU type or of a region."""
    if not _WORD.fullmatch(text):
        raise ValueError("must be a code, such as NVIDIA_RTX_4090_24G or us-east-1")
    return text


def read_regions(text: str) -> list[str]:
    """Read codes of regions with commas between."""
    return [read_code(region) for region in read_several(text)]


def read_id(text: str) -> int:
    """Read the number of a credential, a volume or a type of VM."""
    if not _ID.fullmatch(text):
        raise ValueError("must be a number: its id")
    return int(text)


def read_gpu_count(text: str) -> int:
    """Read a number of GPUs, which is a power of two."""
    count = read_count(text)
    if count & (count - 1):
        raise ValueError("must be a power of two: 1, 2, 4, 8 …")
    return count


def read_endpoint_volume(text: str) -> int:
    """Read gigabytes, 20 at least."""
    if (size := read_count(text)) < LEAST_VOLUME:
        raise ValueError(f"must be at least {LEAST_VOLUME}")
    return size


def path_reader(example: str) -> Callable[[str], str]:
    """Return a reader of absolute paths; ``example`` ends the refusal of all others."""

    def read(text: str) -> str:
        if not text.startswith("/") or text.split() != [text] or clean(text) != text:
            raise ValueError(f"must be a path {example}")
        return text

    return read


def _webhook(text: str) -> str:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and text.split() == [text]
    except ValueError:
        fits = False
    if not fits or clean(text) != text:
        raise ValueError("must be an address, such as https://example.com/hook")
    return text


read_webhook = at_most(LONGEST_WEBHOOK, _webhook)
"""Reads an address of at most 512 characters."""


def read_command(text: str) -> str:
    """Read a shell command of several lines."""
    if "\0" in text:
        raise ValueError("must not contain NUL")
    return text.replace("\r\n", "\n")


def read_environment(text: str) -> list[Body]:
    """Read ``NAME=value`` from each line."""
    return [{"key": name, "value": value} for name, value in read_variables(text).items()]


def read_port(text: str) -> Body:
    """Read a port with its protocol: ``8080/http``."""
    match = _PORT.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a port and its protocol, such as 8080/http")
    if not 0 < int(match[1]) <= LAST_PORT:
        raise ValueError(f"must be a port from 1 to {LAST_PORT}")
    return {"port": int(match[1]), "protocol": match[2].lower()}


def read_ports(text: str) -> list[Body]:
    """Read a port with its protocol from each line, each port once."""
    return _once(text, read_port, "port")


def read_mounts(text: str) -> dict[str, str]:
    """Read ``volume:path`` from each line: ids of volumes to where they are mounted."""
    return {str(row["volumeId"]): str(row["mountPath"]) for row in _once(text, _read_mount, "volumeId", "mountPath")}


def read_volumes(text: str) -> list[Body]:
    """Read ``volume:path`` from each line, followed by ``backup`` where the volume is backed up."""
    return _once(text, _read_volume, "volumeId", "mountPath")


def _read_mount(text: str) -> Body:
    match = _MOUNT.fullmatch(text)
    if match is None or clean(text) != text:
        raise ValueError("must be a volume's id and a path, such as 123:/mnt/data")
    return {"volumeId": int(match[1]), "mountPath": match[2]}


def _read_volume(text: str) -> Body:
    mount = _BACKUP.sub("", text)
    return {**_read_mount(mount), "needBackup": mount != text}


def read_resources(text: str) -> list[Body]:
    """Read region, GPU type and, where it differs from the others, the number of GPUs of each place.

    The places are separated by commas or lines: ``us-east-1 NVIDIA_RTX_4090_24G, us-west-1 NVIDIA_H200_141G 2``.
    """
    return _once(text.replace(",", "\n"), _read_resource)


def _read_resource(text: str) -> Body:
    words = text.split()
    if len(words) not in (2, 3):
        raise ValueError("must be a region and a GPU type, such as us-east-1 NVIDIA_RTX_4090_24G")
    place: Body = {"region": read_code(words[0]), "gpuType": read_code(words[1])}
    if len(words) == 2:
        return place
    try:
        count = read_gpu_count(words[2])
    except ValueError as error:
        raise ValueError(f"has a number of GPUs that {error}") from None
    return {**place, "gpuCount": count}


def _once(text: str, read: Callable[[str], Body], *keys: str) -> list[Body]:
    """Read each line that is not empty; none may have the same as another under one of the keys, or be the same."""
    found: list[Body] = []
    for number, line in lines_of(text):
        try:
            row = read(line)
        except ValueError as error:
            raise ValueError(f"{error} (line {number})") from None
        if row in found or any(row[key] == other[key] for other in found for key in keys):
            raise ValueError(f"has the same twice, the second time in line {number}")
        found.append(row)
    return found


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not empty."""
    return ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
