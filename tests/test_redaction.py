"""Secrets taken out of commands, faults and JSON, and nothing else."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui import known_secrets
from gputui.errors import GputuiError, InvalidError
from gputui.known_secrets import MASK
from gputui.redaction import describe_fault, redact, redact_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "running", "lab-cuda:latest"]),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["name", "gpu_ids", "monkey", "key_count"]), inner)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("export HF_TOKEN=hunter2,hunter2 && run", f"export HF_TOKEN={MASK} && run"),
        ("AWS_SECRET_ACCESS_KEY='hunter2 hunter2'x train", f"AWS_SECRET_ACCESS_KEY={MASK} train"),
        ('TOKEN="hunter2 hunter2', f"TOKEN={MASK}"),
        ("TOKEN=a\\ hunter2 train", f"TOKEN={MASK} train"),
        ("mysql --password hunter2 -h x", f"mysql --password {MASK} -h x"),
        ("run --api-key=hunter2 -v", f"run --api-key={MASK} -v"),
        ("curl -H 'Authorization: Token hunter2' x", f"curl -H 'Authorization: {MASK}' x"),
        ("curl -u me:hunter2 x", f"curl -u {MASK} x"),
        ("git clone https://me:hunter2@host/x", f"git clone https://{MASK}@host/x"),
        ("sshpass -p hunter2 ssh x", f"sshpass -p {MASK} ssh x"),
        ("mysql -u root -phunter2 db", f"mysql -u root -p{MASK} db"),
        ("mysqldump -p'hunter2 x' db | gzip", f"mysqldump -p{MASK} db | gzip"),
        ("redis-cli -h x -a hunter2 ping", f"redis-cli -h x -a {MASK} ping"),
        ("docker login -u me -p hunter2 reg", f"docker login -u me -p {MASK} reg"),
        ('curl -H "X-Auth: hunter2" x', f'curl -H "X-Auth: {MASK}" x'),
        ("curl --header 'X-Api-Key: hunter2' x", f"curl --header 'X-Api-Key: {MASK}"),
        ("PGPASS=hunter2 MY_PWD='hunter2 x' psql", f"PGPASS={MASK} MY_PWD={MASK} psql"),
        ("wandb login --relogin hunter2", f"wandb login --relogin {MASK}"),
        ("run hf_abcdefghijklmnopqrstuvwx", f"run {MASK}"),
        ("run eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM x", f"run {MASK} x"),
    ],
)
def test_secrets_in_commands_are_taken_out(command: str, shown: str) -> None:
    assert redact(command) == shown


@pytest.mark.parametrize(
    "command",
    [
        "python train.py --max_tokens=5 --tokenizer bert --lr 0.1",
        "nvidia-smi -q -d MEMORY; tail -u 3 x:y",
        'python -c "print(1)"',
        "passwd",
        "find . -name '*key*' -user bob",
        'curl -H "Accept: text/html" -H "Content-Type: x" -k https://x',
        "cd x && PWD=/home OLDPWD=/root make -p install; mkdir -p a; ssh -p 22 host",
        "docker run -p 80:80 image; mysql -p db; pytest -k login",
        "sk-short hf_short eyJ.eyJ.x",
    ],
)
def test_other_commands_stay(command: str) -> None:
    assert redact(command) == command


def test_a_fault_is_one_harmless_line() -> None:
    error = ValueError("password=hunter2\n\x1b[31mGET https://me:hunter2@host/x" + "x" * 9000)
    described = describe_fault(error)
    assert described.startswith(f"ValueError: password={MASK} \ufffd[31mGET https://{MASK}@host/x")
    assert "hunter2" not in described
    assert len(described) <= 500


@pytest.mark.parametrize(
    "key", ["password", "passwd", "Token", "accessToken", "client_secret", "ssh_key", "apiKey", "Authorization"]
)
def test_values_of_secret_keys_are_masked_wherever_they_are(key: str) -> None:
    value = {"a": [{key: "hunter2"}, {key: {"deep": ["hunter2", 3, None, True]}}], "name": "main"}
    assert json.loads(redact_json(json.dumps(value))) == {
        "a": [{key: MASK}, {key: {"deep": [MASK, MASK, None, True]}}],
        "name": "main",
    }


def test_secrets_inside_texts_are_masked_too_and_lines_stay_lines() -> None:
    text = json.dumps({"env": ["HF_TOKEN=hunter2", "LANG=C"]}, indent=4)
    shown = redact_json(text)
    assert json.loads(shown) == {"env": [f"HF_TOKEN={MASK}", "LANG=C"]}
    assert "\n" in shown


@given(JSON)
def test_json_without_secrets_stays_as_it_is(value: object) -> None:
    text = json.dumps(value, indent=3)
    assert redact_json(text) == text


@pytest.mark.parametrize(
    "text", ['{"password": "hunter2"', "[" * 100_000 + '"token": "hunter2"'], ids=["cut off", "nested"]
)
def test_what_is_no_json_is_searched_as_text(text: str) -> None:
    assert "hunter2" not in redact_json(text)


SECRET = "CANARY key/123\u00e4"


def forget_all() -> None:
    known_secrets._forms.clear()
    known_secrets._longest_first, known_secrets._packed = (), frozenset()


@pytest.fixture
def known() -> Iterator[None]:
    known_secrets.note(SECRET)
    yield
    forget_all()


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "form",
    [
        SECRET, repr(SECRET), json.dumps(SECRET), json.dumps(SECRET, ensure_ascii=False), quote(SECRET, safe=""),
        quote_plus(SECRET),
        *(base64.b64encode(f"{user}:{SECRET}:x".encode()).decode() for user in ("a", "ab", "abc")),
    ],
)  # fmt: skip
def test_a_known_secret_is_taken_out_in_every_form(form: str) -> None:
    for shown in (redact(f"key {form} is wrong"), GputuiError(f"key {form} is wrong", hint=form).message):
        assert MASK in shown
        assert "CANARY" not in shown
        assert base64.b64encode(SECRET.encode()).decode()[4:-4] not in shown
        assert len(shown) <= len("key  is wrong") + len(MASK) + 12
    assert "CANARY" not in InvalidError("x", fields={"a": f"is {form}"}).fields["a"]
    assert "CANARY" not in redact_json(json.dumps({"detail": f"said {form}"}))


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("user", ["a", "ab", "abc", "somebody"])
def test_base64_that_contains_a_known_secret_is_masked_as_a_whole(user: str) -> None:
    packed = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    said = f"Basic {packed}, authorization={packed} twice: {packed}{packed}."
    assert known_secrets.mask(said) == f"Basic {MASK}, authorization={MASK} twice: {MASK}{MASK}."


def test_words_are_no_secrets_though_they_are_a_password() -> None:
    known_secrets.note("lab")
    try:
        assert known_secrets.mask("lab/pod/main") == "lab/pod/main"
    finally:
        forget_all()


def test_only_so_many_secrets_are_known() -> None:
    try:
        for number in range(known_secrets.MOST + 1):
            known_secrets.note(f"secret-{number:04}")
        assert known_secrets.mask("secret-0000 secret-0001") == f"secret-0000 {MASK}"
    finally:
        forget_all()


LARGE = 2**18
LITTLE = 0.05
"""Seconds of the processor."""


@pytest.mark.parametrize(
    "piece",
    [
        "mysql ", "mysql -p", "mysql -p'", " -H aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ",
        " -H x-auth:'", "docker login ", "redis-cli -a ", "wandb login --a ", "apassapwd", "pass=", "eyJaaaaaaaa-",
        "eyJaaaaaaaa.", "sk-", "a ", "a", "hf_a-", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "'", '"', "\n",
    ],
    ids=repr,
)  # fmt: skip
def test_shapes_of_secrets_are_looked_for_in_a_time_that_grows_with_the_text_alone(piece: str) -> None:
    def fastest(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        times: list[float] = []
        while len(times) < 3 and not (times and times[-1] < LITTLE):
            begun = time.process_time()
            redact(text)
            times.append(time.process_time() - begun)
        return min(times)

    large = fastest(LARGE)
    assert large < LITTLE or large < 16 * fastest(LARGE // 8)
    assert large < 0.5
