"""Secrets taken out of commands, faults and JSON, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.redaction import MASK, describe_fault, redact, redact_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "running", "lab-cuda:latest"]),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["name", "gpu_ids", "monkey", "key_count"]), inner)
    ),
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
    ],
)
def test_other_commands_stay(command: str) -> None:
    assert redact(command) == command


def test_a_fault_is_one_harmless_line() -> None:
    error = ValueError("password=hunter2\n\x1b[31mGET https://me:hunter2@host/x" + "x" * 9000)
    told = describe_fault(error)
    assert told.startswith(f"ValueError: password={MASK} \ufffd[31mGET https://{MASK}@host/x")
    assert "hunter2" not in told
    assert len(told) <= 500


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


@pytest.mark.parametrize("text", ['{"password": "hunter2"', "[" * 100_000 + '"token": "hunter2"'])
def test_what_is_no_json_is_searched_as_text(text: str) -> None:
    assert "hunter2" not in redact_json(text)
