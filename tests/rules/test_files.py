"""The files of rules: written whole, one revision at a time, and named where they cannot be used."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.errors import ConflictError, InvalidError, NotFoundError, RuleFileError
from gputui.models import Money, Ref
from gputui.models.leases import Lease
from gputui.models.rules import Candidate, Grab, Quiet, Setting, Watch
from gputui.rules.files import RuleFiles

AT = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def watch(id_: str = "g7k2") -> Watch:
    candidate = Candidate("hub", "deployment", "train", (Setting("cmd", "a\nb"),), gpus=2, models=("RTX 4090",))
    grab = Grab((candidate,), 2, Money(Decimal("1.50"), "USD"), Decimal(8), budget=Money(Decimal(24), "USD"))
    return Watch(id_, "/c.toml", "me", AT, models=("RTX 4090",), grab=grab, quiet=Quiet(0, 480))


@pytest.fixture
def files(tmp_path: Path) -> RuleFiles:
    return RuleFiles(tmp_path / "agent")


def test_rules_are_read_back_as_they_were_written(files: RuleFiles) -> None:
    saved = files.save(watch())
    lease = files.save(Lease("l3mn", Ref("hub", "container", "c1"), "c1", AT, idle=30))
    assert saved.revision == 1
    assert files.read().rules == {"g7k2": saved, "l3mn": lease}
    assert files.directory.stat().st_mode & 0o777 == 0o700
    assert (files.directory / "rules" / "g7k2.json").stat().st_mode & 0o777 == 0o600


def test_of_two_sessions_that_edit_one_rule_the_second_is_refused(files: RuleFiles) -> None:
    first = files.save(watch())
    files.save(replace(first, count=2), first.revision)
    with pytest.raises(ConflictError, match="changed by another session"):
        files.save(replace(first, count=3), first.revision)
    with pytest.raises(ConflictError, match="changed by another session"):
        files.delete("g7k2", first.revision)
    assert files.get("g7k2").revision == 2


def test_an_edit_does_not_bring_back_a_deleted_rule(files: RuleFiles) -> None:
    saved = files.save(watch())
    files.delete("g7k2", saved.revision)
    with pytest.raises(NotFoundError, match="deleted by another session"):
        files.save(saved, saved.revision)
    with pytest.raises(NotFoundError, match="There are no rules"):
        files.get("g7k2")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "damaged"),
        (b"[1]", "no rule of gputui"),
        (b'{"format": 2, "type": "watch", "rule": {}}', "newer gputui"),
        (b'{"format": 1, "type": "bid", "rule": {}}', "newer gputui"),
        (b'{"format": 1, "type": "watch", "rule": {"id": "bad2"}}', "damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_affects_no_other(files: RuleFiles, content: bytes, why: str) -> None:
    files.save(watch())
    bad = files.directory / "rules" / "bad2.json"
    bad.write_bytes(content)
    read = files.read()
    assert list(read.rules) == ["g7k2"]
    assert str(bad) in read.problems[0].why
    assert why in read.problems[0].why
    assert bad.read_bytes() == content
    with pytest.raises(RuleFileError, match="The file is unchanged"):
        files.get("bad2")


def test_a_limit_that_this_release_does_not_know_is_not_passed_over(files: RuleFiles) -> None:
    files.save(watch())
    path = files.directory / "rules" / "g7k2.json"
    plain = json.loads(path.read_text())
    plain["rule"]["grab"]["candidates"][0]["never_on_spot"] = True
    path.write_text(json.dumps(plain))
    assert "grab.candidates.never_on_spot is not known" in files.read().problems[0].why


def test_a_value_that_a_file_cannot_keep_is_refused(files: RuleFiles) -> None:
    with pytest.raises(InvalidError, match="cannot be kept"):
        files.save(replace(watch(), note="bell \a"))
    assert not files.read().rules


def test_a_directory_that_others_can_write_to_is_not_used(files: RuleFiles) -> None:
    files.save(watch())
    files.directory.chmod(0o777)
    with pytest.raises(RuleFileError, match="Others can write"):
        files.read()


def test_a_directory_that_cannot_be_entered_is_not_one_without_rules(files: RuleFiles) -> None:
    files.directory.symlink_to(files.directory.name)  # as without permission, also for root
    with pytest.raises(RuleFileError, match="Too many levels of symbolic links"):
        files.read()
    with pytest.raises(RuleFileError, match="Too many levels of symbolic links"):
        files.new_id()
