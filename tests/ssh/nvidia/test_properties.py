"""Whatever a host answers, it is read or refused, and nothing else is raised."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from gputui.accelerators.nvidia import query
from gputui.accelerators.nvidia.mig import mig_gpus
from gputui.accelerators.nvidia.query import Question
from gputui.accelerators.nvidia.rows import is_divided, pids_of, reading
from gputui.accelerators.output import Part
from gputui.errors import SshError
from tests.ssh.nvidia.smi import AT, RECORDED, TRAIN

TEXTS = st.text(max_size=400)
LINES = st.lists(
    st.lists(
        st.sampled_from(["0", "1", "GPU-a", "MIG-b", "[N/A]", "9" * 30, "-5", "3.5", "ERR!", "\x1b[31m"]),
        min_size=3,
        max_size=12,
    ),
    max_size=6,
).map(lambda rows: "".join(", ".join(row) + "\n" for row in rows))
ANSWERS = st.dictionaries(
    st.sampled_from(["gpus", "apps", "parts", "mig", "ps", "proc"]),
    st.builds(Part, TEXTS | LINES, st.integers(0, 255)),
)


@given(TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SshError):
        query.cut(text, "train-1")


@given(ANSWERS, st.booleans())
def test_any_answer_is_read_or_refused(parts: dict[str, Part], mig: bool) -> None:
    marked = "".join(
        f"@gputui begin {name}\n{part.text}\n@gputui end {part.status}\n" for name, part in parts.items()
    )
    question = Question(mig=mig)
    try:
        answer = query.cut(marked, "train-1")
        is_divided(question, answer)
        better = query.without_refused(question, answer)
        assert better != question
        query.details(Question(pids=pids_of(question, answer)))
        found = reading(question, answer, TRAIN, AT)
    except SshError as error:
        said = str(error)
    else:
        refs = [*(device.ref for device in found.devices), *(process.ref for process in found.processes)]
        assert len(refs) == len(set(refs))
        said = repr(found)
    assert "\x1b" not in said
    assert "\u202e" not in said


@given(TEXTS | LINES, TEXTS)
def test_any_xml_is_read(listed: str, xml: str) -> None:
    mig_gpus(listed, xml)
    mig_gpus(listed, (RECORDED / "a100-mig.xml.txt").read_text().replace("1", xml[:3]))
