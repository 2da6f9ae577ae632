import sys
from collections.abc import Callable

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_without_the_packages_of_the_simulator_the_command_that_installs_them_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.extras.find_spec", lambda name: None if name == "hypercorn" else object())

    status, out, err = run("sim")

    assert (status, out) == (2, "")
    assert "needs hypercorn, which" in err
    assert f"{sys.executable} -m pip install 'gputui[demo]'" in err
