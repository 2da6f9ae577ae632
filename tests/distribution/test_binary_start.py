import os

import pytest

from distribution.binary_start import restore_environment


@pytest.mark.parametrize("before", [None, "/opt/lib"])
def test_programs_that_the_binary_starts_get_the_libraries_of_the_system(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/gputui/_internal")
    monkeypatch.setenv("_PYI_ARCHIVE_FILE", "/opt/gputui/gputui")
    if before is None:
        monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    else:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)

    restore_environment()

    assert os.environ.get("LD_LIBRARY_PATH") == before
    assert not {"LD_LIBRARY_PATH_ORIG", "_PYI_ARCHIVE_FILE"} & set(os.environ)
