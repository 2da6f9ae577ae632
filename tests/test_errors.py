"""Messages about errors of the system have words."""

import ast
from pathlib import Path

import pytest

import gputui
from gputui.errors import reason_of

_ROOT = Path(gputui.__file__).parent
_OWN = {Path("errors.py")}
"""The one place that reads the words of the system."""
_PROGRAMS = Path("sim")
"""The simulator shares no code with the client; its programs show the errors of its own files, which have words."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied", "/etc/shadow"), "Permission denied"),
        (OSError("cannot allocate"), "cannot allocate"),
        (OSError(), "OSError"),
        (ValueError("embedded null byte"), "embedded null byte"),
    ],
    ids=repr,
)
def test_every_error_has_a_reason_in_words(error: Exception, words: str) -> None:
    assert reason_of(error) == words


def test_no_module_reads_the_words_of_the_system_itself_as_an_error_may_have_none() -> None:
    found = [
        f"{path.relative_to(_ROOT)}:{node.lineno}"
        for path in sorted(_ROOT.rglob("*.py"))
        if (place := path.relative_to(_ROOT)) not in _OWN and not place.is_relative_to(_PROGRAMS)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute) and node.attr == "strerror" and not _is_function_of_os(node)
    ]

    assert found == []


def _is_function_of_os(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "os"
