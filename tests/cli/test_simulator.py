import sys
from collections.abc import Callable

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_without_the_packages_of_the_simulator_the_command_that_installs_them_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.cli.extras.find_spec", lambda name: None if name == "hypercorn" else object())

    status, out, err = run("sim")

    assert (status, out) == (2, "")
    assert "needs hypercorn, which" in err
    assert f"{sys.executable} -m pip install 'gputui[demo]'" in err


def test_an_environment_without_pip_is_to_be_installed_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.cli.extras.find_spec", lambda _: None)

    status, _, err = run("sim")

    assert status == 2
    assert "needs starlette and hypercorn" in err
    assert err.endswith("Install gputui again as 'gputui[demo]'.\n")
