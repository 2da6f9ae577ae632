"""Templates: what is saved reads back the same, and a file that cannot be used says why."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gputui.config import templates
from gputui.errors import ConfigError, ConflictError, ExitCode, InvalidError
from gputui.models import FieldKind, Form, FormField
from gputui.text import clean

FORM = Form(
    "hub",
    "deployment",
    "New deployment in hub",
    (
        FormField("name", "Name", section="Deployment"),
        FormField("type", "Type", FieldKind.CHOICE, choices=("ReplicaSet", "Container")),
        FormField("replicas", "Replicas", FieldKind.NUMBER, when=("type", ("ReplicaSet",))),
        FormField("reuse", "Reuse", FieldKind.FLAG, required=False),
        FormField("regions", "Regions", FieldKind.MULTI, section="Where"),
        FormField("price", "Price", unit="USD/h"),
        FormField("command", "Command", FieldKind.LINES),
        FormField("key", "Key", FieldKind.SECRET, required=False),
    ),
)
VALUES = {
    "name": "train-a",
    "type": "ReplicaSet",
    "replicas": "2",
    "reuse": "true",
    "regions": "sgp1,Singapore-A",
    "price": "1.50",
    "command": 'cd /root\necho "hi"\n',
    "key": "hunter2",
}
TEXT = """\
kind = "deployment"

[values]
# Deployment
name = "train-a"
type = "ReplicaSet"
replicas = 2
reuse = true

# Where
regions = ["sgp1", "Singapore-A"]
price = 1.50  # USD/h
command = \"\"\"
cd /root
echo "hi"
\"\"\"
"""
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TRICKY = st.text(st.sampled_from("\"\\\n\r\t\x00\x1b\x7f\x85\u202e\u200dé界, []{}#='.0123456789-_eE+ui"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where templates are kept; it is not there yet."""
    monkeypatch.setenv("GPUTUI_CONFIG", str(tmp_path / "gputui" / "config.toml"))
    return tmp_path / "gputui" / "templates"


def shown(values: dict[str, str]) -> dict[str, str]:
    """Return the values a template has: those asked for, without secrets."""
    by_name = {field.name: field for field in FORM.fields}
    return {
        name: value
        for name, value in values.items()
        if by_name[name].kind is not FieldKind.SECRET and by_name[name].shown_with(values)
    }


def problem(text: str, form: Form | None = FORM) -> str:
    """Return the one thing that is wrong with a template."""
    with pytest.raises(ConfigError) as caught:
        templates.load(text, name="train.toml", form=form)
    (reported,) = caught.value.problems
    return reported


def test_a_template_reads_like_one_written_by_hand() -> None:
    assert templates.dump("deployment", VALUES, FORM) == TEXT
    assert templates.load(TEXT, name="train.toml", form=FORM) == ("deployment", shown(VALUES))


@given(st.fixed_dictionaries({field.name: ANY_TEXT | TRICKY for field in FORM.fields}), ANY_TEXT | TRICKY)
@example({**VALUES, "command": '"""""\n""\\"""'}, "deployment")
@example({**VALUES, "command": "[values]\n\n"}, "deployment")
@example({**VALUES, "replicas": "007", "price": "1e3", "regions": ","}, "deployment")
@example({**VALUES, "replicas": "9" * 40, "price": "-0.0", "reuse": "True"}, "deployment")
def test_what_is_written_reads_back_exactly(values: dict[str, str], kind: str) -> None:
    text = templates.dump(kind or "pod", values, FORM)
    assert templates.load(text, name="train.toml") == (kind or "pod", shown(values))


@given(st.fixed_dictionaries({field.name: ANY_TEXT | TRICKY for field in FORM.fields}))
def test_a_template_is_safe_to_look_at(values: dict[str, str]) -> None:
    text = templates.dump("deployment", values, FORM)
    assert clean(text, multiline=True) == text
    assert tomllib.loads(text)["kind"] == "deployment"


@given(ANY_TEXT | TRICKY.map(lambda text: f'kind = "pod"\n[values]\n{text}'))
@example('kind = "pod"\n[values]\nreplicas = ' + "[" * 100_000)
@example('kind = "pod"\n[values]\nreplicas = 0x' + "f" * 5000)
@example('kind = "pod"\n[values]\nreplicas = ' + "9" * 5000)
@example('kind = "pod"\n[values]\nname = 2026-13-45')
def test_any_file_is_read_or_refused_with_what_is_wrong(text: str) -> None:
    try:
        kind, values = templates.load(text, name="train.toml")
    except ConfigError as error:
        assert error.problems
        assert all(reported.startswith("train.toml: ") for reported in error.problems)
    else:
        assert isinstance(kind, str)
        assert all(isinstance(value, str) for value in values.values())


def test_a_secret_is_never_written() -> None:
    assert "hunter2" not in templates.dump("deployment", VALUES, FORM)
    assert "is a secret" in problem('kind = "deployment"\n[values]\nkey = "hunter2"')


def test_what_the_chosen_type_does_not_take_is_not_written() -> None:
    assert "replicas" not in templates.dump("deployment", {**VALUES, "type": "Container"}, FORM)


def test_numbers_lists_and_flags_are_read_as_one_writes_them() -> None:
    text = 'kind = "pod"\n[values]\na = 1_000\nb = 0x10\nc = 1_0.50\nd = false\ne = [1, "b"]\nf = "007"\ng = []'
    assert templates.load(text, name="train.toml")[1] == {
        "a": "1000",
        "b": "16",
        "c": "10.50",
        "d": "false",
        "e": "1,b",
        "f": "007",
        "g": "",
    }


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ('kind = "deployment"\n[values]\nname = ', "train.toml: Invalid value"),
        ('kind = "deployment"\n[values]\nnaem = "x"', "values.naem: is not known; did you mean name?"),
        ('kind = "deployment"\n[values]\nzzz = "x"', "values.zzz: is not known; there are name, type"),
        ('kind = "deployment"\nname = "x"\n[values]', "name: is not known; values belong under [values]"),
        ('kind = "deployment"\n[values]\nname = ["x"]', "values.name: must be one value"),
        ('kind = "deployment"\n[values]\nname = true', "values.name: must be a text"),
        ('kind = "deployment"\n[values]\nname = 2026-11-20', "values.name: must be a text; write it in quotes"),
        ('kind = "deployment"\n[values]\nreuse = 1', "values.reuse: must be true or false"),
        ('kind = "deployment"\n[values]\nregions = ["a,b"]', "values.regions: has a comma"),
        ('kind = "deployment"\n[values]\nregions = [["a"]]', "values.regions: must be a list of texts"),
        ('kind = "deployment"\n[values.name]\nx = 1', "values.name: must be one value"),
        ('kind = "pod"\n[values]', "kind: is pod, which is no deployment"),
        ("kind = 3\n[values]", "kind: is missing"),
        ('kind = "deployment"\n', "values: is missing"),
        ('kind = "deployment"\nvalues = 3', "values: is missing"),
        ('kind = "deployment"\n[values]\n"\\u001b" = 1', "values.\ufffd: is not known"),
    ],
)
def test_what_is_wrong_is_reported_with_file_and_key(text: str, reported: str) -> None:
    assert problem(text).startswith(reported if reported.startswith("train.toml") else f"train.toml: {reported}")


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        templates.load('kind = "pod"\n[values]\nnaem = 1\nname = []', name="train.toml", form=FORM)
    assert len(caught.value.problems) == 3
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_saved_template_is_found_by_its_name_and_read_by_its_owner_alone(folder: Path) -> None:
    assert templates.names() == []
    path = templates.save("train-a", "deployment", VALUES, FORM)
    assert path == folder / "train-a.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert templates.names() == ["train-a"]
    assert templates.read("train-a", form=FORM) == templates.read(path) == ("deployment", shown(VALUES))
    assert [entry.name for entry in folder.iterdir()] == ["train-a.toml"]


def test_a_template_is_replaced_only_when_asked_to(folder: Path) -> None:
    templates.save("train", "deployment", VALUES, FORM)
    with pytest.raises(ConflictError, match="template train already"):
        templates.save("train", "deployment", {**VALUES, "name": "other"}, FORM)
    assert templates.read("train")[1]["name"] == "train-a"
    templates.save("train", "deployment", {**VALUES, "name": "other"}, FORM, replace=True)
    assert templates.read("train")[1]["name"] == "other"
    assert stat.S_IMODE((folder / "train.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "../config", "a/b", ".hidden", "a b", "x" * 65, "a\n", "train.toml", "a\x1b"])
def test_a_name_that_could_be_another_path_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        templates.save(name, "deployment", VALUES, FORM)
    assert caught.value.fields.keys() == {"name"}
    assert not folder.exists()


def test_a_text_that_no_file_can_contain_is_refused_at_its_field(folder: Path) -> None:
    with pytest.raises(InvalidError) as caught:
        templates.save("train", "deployment", {**VALUES, "command": "\udcff"}, FORM)
    assert caught.value.fields.keys() == {"command"}
    assert not folder.exists()


def test_a_template_that_is_not_there_says_which_are(folder: Path) -> None:
    with pytest.raises(ConfigError, match=f"The folder is {folder}"):
        templates.read("train")
    templates.save("other", "deployment", VALUES, FORM)
    with pytest.raises(ConfigError, match="There is no template train") as caught:
        templates.read("train")
    assert caught.value.hint == "There are: other."


def test_files_that_are_no_templates_are_not_offered(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("notes.txt", ".x.toml", "a b.toml", "good.toml"):
        (folder / name).touch()
    assert templates.names() == ["good"]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.toml"
    damaged.write_bytes(b'kind = "\xff"')
    with pytest.raises(ConfigError, match="byte 9 is not UTF-8"):
        templates.read(damaged)
    with pytest.raises(ConfigError, match=r"There is no file .*gone\.toml"):
        templates.read(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        templates.read(f"{tmp_path}/")
    with pytest.raises(ConfigError, match="null byte"):
        templates.read("a\0.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_text(TEXT.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    assert templates.read(path, form=FORM) == ("deployment", shown(VALUES))


def test_a_folder_that_cannot_be_created_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GPUTUI_CONFIG", str(tmp_path / "file" / "config.toml"))
    with pytest.raises(ConfigError, match="Cannot write"):
        templates.save("train", "deployment", VALUES, FORM)
    assert templates.names() == []


def test_variables_that_may_be_secret_are_not_written() -> None:
    form = Form("dock", "container", "New", (FormField("env", "Environment", FieldKind.LINES, variables=True),))
    text = templates.dump("container", {"env": "LANG=C\nAPI_TOKEN=abc123\nDB_PASSWORD=x y"}, form)
    assert "abc123" not in text
    assert "x y" not in text
    assert "# omitted, as it may be a secret: API_TOKEN" in text
    assert tomllib.loads(text)["values"]["env"].strip() == "LANG=C"


@pytest.mark.parametrize("line", ["Bearer abcdef12345", "--password hunter2 a=b"])
def test_of_a_line_without_a_name_nothing_is_shown(line: str) -> None:
    form = Form("y", "task", "New", (FormField("headers", "Headers", FieldKind.LINES, variables=True),))
    text = templates.dump("task", {"headers": f"X-Team: vision\n{line}"}, form)
    assert "# omitted, as it may be a secret: a line\n" in text
    assert not any(secret in text for secret in ("abcdef12345", "hunter2"))
    assert tomllib.loads(text)["values"] == {"headers": "X-Team: vision"}


def test_texts_with_a_secret_and_generated_values_are_omitted() -> None:
    fields = (
        FormField("input", "Input", FieldKind.LINES),
        FormField("headers", "Headers", FieldKind.LINES, variables=True),
        FormField("webhook", "Webhook"),
        FormField("path", "Path"),
        FormField("taskId", "Id", fresh=True),
    )
    form = Form("y", "task", "New", fields)
    values = {
        "input": '{\n  "auth": {"credentials": {"user": "bob", "pw": "hunter2"}}\n}',
        "headers": "X-Team: vision\nAuthorization: Bearer abcdef12345",
        "webhook": "https://hooks.example.com/x?token=hunter2",
        "path": "/render",
        "taskId": "0123abcd",
    }
    text = templates.dump("task", values, form)
    assert not any(secret in text for secret in ("hunter2", "abcdef12345", "0123abcd"))
    for omitted in ("contain a secret: input", "contain a secret: webhook", "be a secret: Authorization"):
        assert f"# omitted, as it may {omitted}\n" in text
    assert tomllib.loads(text)["values"] == {"headers": "X-Team: vision", "path": "/render"}
    assert templates.load(text, name="x", form=form) == ("task", {"headers": "X-Team: vision", "path": "/render"})
    harmless = values | {"input": '{"prompt": "a fox"}'}
    assert tomllib.loads(templates.dump("task", harmless, form))["values"]["input"] == '{"prompt": "a fox"}'
