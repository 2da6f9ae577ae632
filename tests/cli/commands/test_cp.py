"""``gputui cp`` between this machine and directories that stand for instances."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gputui.cli.copy_progress import progress_text, summary_text
from gputui.fleet import Fleet
from gputui.fleet.transfer import Spot, Transfer, TransferState
from gputui.models import Ref
from gputui.sim.server import Running
from gputui.ssh.sftp.local import LocalPlace
from gputui.ssh.sftp.state import Options, Progress
from tests.cli.conftest import Simulation, write_config

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: Running) -> Path:
    """The files of instances, a directory each; the working directory is another one."""

    @asynccontextmanager
    async def reach(fleet: Fleet, ref: Ref, connect: object) -> AsyncIterator[LocalPlace]:
        place = LocalPlace()
        place.name = str(ref)
        yield place

    monkeypatch.setattr("gputui.fleet.transfers.reach", reach)
    folder, here = tmp_path / "there", tmp_path / "here"
    folder.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    return folder


def test_files_go_there_and_come_back(there: Path, run: Run) -> None:
    Path("a:b").write_text("data")
    assert run("cp", "./a:b", f"lab/main:{there}/") == (0, "", "")
    assert (there / "a:b").read_text() == "data"
    assert run("cp", f"lab/main:{there}/a:b", "back") == (0, "", "")
    assert Path("back").read_text() == "data"


def test_several_sources_go_to_several_instances(there: Path, run: Run) -> None:
    for name in ("a", "b"):
        Path(name).write_text(name)
        (there / name).mkdir()
    assert run("cp", "a", "b", "--to", f"lab/main:{there}/a", "--to", f"lab/train_a:{there}/b") == (0, "", "")
    assert sorted(str(path.relative_to(there)) for path in there.glob("*/*")) == ["a/a", "a/b", "b/a", "b/b"]


def test_a_tree_says_what_is_missing_and_why(there: Path, run: Run) -> None:
    (there / "tree" / "sub").mkdir(parents=True)
    (there / "tree" / "file").write_text("x")
    Path("tree/file").mkdir(parents=True)
    status, _, err = run("cp", "-r", f"lab/main:{there}/tree", ".")
    assert status == 1
    assert "tree/file is a directory, and its source is a file." in err
    assert Path("tree/sub").is_dir()


def test_wildcards_are_expanded_in_the_instance(there: Path, run: Run) -> None:
    for folder in ("one", "two"):
        (there / folder).mkdir()
        for name in ("a.log", "b.txt", ".c.log"):
            (there / folder / name).write_text(folder + name)
    (there / "[x]").write_text("as it is")
    Path("to").mkdir()
    assert run("cp", f"lab/main:{there}/o*/*.log", f"lab/main:{there}/[x]", "to") == (0, "", "")
    assert sorted(path.name for path in Path("to").iterdir()) == ["[x]", "a.log"]
    status, _, err = run("cp", f"lab/main:{there}/*/*.bin", "to")
    assert (status, "/*/*.bin: nothing matches." in err) == (1, True)


def test_sources_of_one_name_are_refused_and_nothing_is_copied(there: Path, run: Run) -> None:
    for folder in ("one", "two"):
        (there / folder).mkdir()
        (there / folder / "metrics.json").write_text(folder)
    Path("to").mkdir()
    status, _, err = run("cp", f"lab/main:{there}/*/metrics.json", "to")
    assert status == 2
    same = f"{there}/one/metrics.json and lab/pod/main:{there}/two/metrics.json would have the same name"
    assert same in err
    status, _, err = run("cp", "-r", f"lab/main:{there}/one", f"lab/main:{there}/two/../one/.", "to")
    assert (status, "would have the same name" in err) == (2, True)
    assert list(Path("to").iterdir()) == []
    assert run("cp", f"lab/main:{there}/one/*", f"lab/main:{there}/one/metrics.json", "to")[0] == 0
    assert Path("to/metrics.json").read_text() == "one"


def test_several_sources_need_a_directory(there: Path, run: Run) -> None:
    for name in ("a", "b"):
        Path(name).write_text(name)
    status, _, err = run("cp", "a", "b", f"lab/main:{there}/none")
    assert status == 1
    assert "is not a directory, and there are several sources." in err
    assert list(there.iterdir()) == []


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_a_shortened_name_is_not_enough_to_write_without_a_question(
    options: tuple[str, ...], there: Path, run: Run
) -> None:
    Path("file").write_text("x")
    status, _, err = run("cp", *options, "file", f"lab/vllm:{there}")
    assert status == 2
    assert "lab/vllm is lab/pod/vllm_llama" in err
    assert list(there.iterdir()) == []


def test_a_shortened_name_is_asked_about(there: Path, run: Run, typed: Callable[[str], None]) -> None:
    Path("file").write_text("x")
    typed("y\n")
    status, _, err = run("cp", "file", f"lab/vllm:{there}")
    assert (status, "Copy into it? [y/N]" in err) == (0, True)
    assert (there / "file").read_text() == "x"


def test_all_instances_that_match_are_confirmed_by_their_number(
    there: Path, run: Run, typed: Callable[[str], None]
) -> None:
    Path("file").write_text("x")
    line = (
        "cp",
        "--parallel",
        "1",
        "-l",
        "account:/^lab$/ state:running name:/^(main|train_a)$/",
        "file",
        f":{there}/",
    )
    assert run(*line)[0] == 2
    typed("2\n")
    status, _, err = run(*line)
    assert (status, "lab/pod/main\n" in err, "lab/pod/train_a\n" in err) == (0, True, True)
    assert (there / "file").read_text() == "x"
    status, _, err = run("cp", "-l", "name:nothing_is_called_so", "file", ":/")
    assert (status, "No instance matches" in err) == (1, True)
    assert run("cp", "-l", "name:main", "file", "lab/main:/")[0] == 2


def test_a_read_only_account_can_be_read(there: Path, run: Run) -> None:
    (there / "file").write_text("x")
    assert run("--read-only", "cp", f"lab/main:{there}/file", "copy")[0] == 0
    status, _, err = run("--read-only", "cp", "copy", f"lab/main:{there}/other")
    assert (status, "lab is read-only" in err) == (2, True)
    assert not (there / "other").exists()


@pytest.mark.parametrize("line", [("a", "b"), ("a",), ("a", "lab/main:b", "--to", "c")])
def test_one_side_has_to_be_an_instance(line: tuple[str, ...], there: Path, run: Run) -> None:
    status, _, err = run("cp", *line)
    assert (status, "gputui cp" in err or "REF:PATH" in err) == (2, True)


def test_an_interrupted_copy_says_in_one_line_what_stays(
    there: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    monkeypatch.setattr(LocalPlace, "write_small", interrupted)
    Path("file").write_text("x")
    status, _, err = run("cp", "file", f"lab/main:{there}/")
    assert status == 130
    assert err == (
        "gputui: interrupted. No file is complete. 1 temporary file stays. The same command continues the copy.\n"
    )


def test_progress_is_bytes_rate_and_time_left() -> None:
    copy = Transfer(Spot(None, b"a"), Spot(Ref("lab", "pod", "main"), b"b"), Options(), TransferState.RUNNING)
    copy.progress = Progress(total=4 * 2**30, done=2**30, files=12, files_done=3)
    assert progress_text([copy]) == "3 of 12 files+  1.0G of 4.0G+"
    copy.progress.counted = True
    copy.samples.extend([(0.0, 0), (2.0, 2 * 2**20 * 100)])
    assert progress_text([copy]) == "3 of 12 files  1.0G of 4.0G  100M/s  30s left"
    copy.progress.moved, copy.progress.files_kept = 2**30, 1
    assert summary_text([copy], 10.0) == "2 files, 1.0G in 10s (102M/s); 1 was there already."


def test_a_file_makes_the_whole_way_over_ssh_and_back(
    home: Path, run: Run, typed: Callable[[str], None], tmp_path: Path
) -> None:
    simulation = Simulation(ssh=True)
    simulation.start()
    try:
        write_config(home, simulation.running.config_toml())
        (tmp_path / "data").write_bytes(b"data")
        typed("y\n")
        status, _, err = run("cp", "--checksum", str(tmp_path / "data"), "lab/main:copy")
        assert (status, "Trust it from now on?" in err) == (0, True)
        assert run("cp", "lab/main:copy", str(tmp_path / "back")) == (0, "", "")
        assert (tmp_path / "back").read_bytes() == b"data"
        assert "copy " in run("audit")[1]
    finally:
        simulation.stop()
