import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from distribution.man_page import exit_statuses, man_page
from gputui.cli.commands import COMMANDS
from gputui.errors import ExitCode

ROOT = Path(__file__).parents[2]


def test_every_command_and_exit_status_is_in_the_page() -> None:
    page = man_page()

    sections = {line.removeprefix(".SS ").replace("\\-", "-").split()[0] for line in re.findall(r"\.SS .*", page)}
    assert sections == set(COMMANDS)
    assert {int(number) for number, _ in exit_statuses()} >= set(ExitCode)


def test_the_page_is_valid() -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")

    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"], input=man_page(), capture_output=True, text=True, timeout=20, check=True
    )

    assert done.stderr == ""


def test_the_pages_are_generated_without_any_package() -> None:
    # The wheel's build has hatchling alone.
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from distribution.man_page import man_page; man_page();"
        "from gputui.cli.commands.completion import completion_script; completion_script('bash')"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
