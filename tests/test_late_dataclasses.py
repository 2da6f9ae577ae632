"""Late dataclasses are dataclasses in all that can be seen of them, and generate nothing before it is used."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import itertools
import pickle
import re
import sys
import types
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

import gputui
from gputui import late_dataclasses


def _classes(decorate: Any, *, frozen: bool, slots: bool, order: bool = False) -> tuple[Any, Any]:
    """Return a class, and one that inherits from it, as this decorator makes them."""

    @decorate(frozen=frozen, slots=slots, order=order)
    class Base:
        """A base."""

        shared: ClassVar[int] = 7
        number: int
        text: str = "x"
        parts: list[int] = field(default_factory=list, hash=False)

    @decorate(frozen=frozen, slots=slots, order=order)
    class Derived(Base):
        """It adds a field that is not compared, one for keywords, and work after the start."""

        note: str = field(default="", compare=False, repr=False)
        flag: bool = field(default=False, kw_only=True)
        doubled: InitVar[int] = 0  # type: ignore[assignment]

        def __post_init__(self, doubled: int) -> None:
            object.__setattr__(self, "number", self.number + doubled)

    return Base, Derived


def _simple_classes(decorate: Any, *, frozen: bool, slots: bool) -> tuple[Any, Any]:
    """Return a class whose fields all are parameters, and one that inherits from it."""

    @decorate(frozen=frozen, slots=slots)
    class Base:
        number: int
        parts: list[int] = field(default_factory=list)

    @decorate(frozen=frozen, slots=slots)
    class Derived(Base):
        flag: bool = field(kw_only=True)
        texts: dict[str, str] = field(default_factory=lambda: {"a": "b"}, kw_only=True)
        text: str = "x"

        def __post_init__(self) -> None:
            object.__setattr__(self, "number", self.number + 1)

    return Base, Derived


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("slots", [False, True])
def test_simple_ones_are_made_as_by_dataclasses(*, frozen: bool, slots: bool) -> None:
    def seen(decorate: Any) -> list[object]:
        base, derived = _simple_classes(decorate, frozen=frozen, slots=slots)
        empty = decorate(frozen=frozen, slots=slots)(type("Empty", (), {}))
        first, second = base(1), base(2)
        first.parts.append(5)
        return [
            repr(empty()),
            [repr(first), repr(second)],
            repr(derived(1, [2], "z", flag=True)),
            repr(derived(number=1, flag=False, texts={})),
            derived(1, flag=True).texts is not derived(1, flag=True).texts,
            _outcome(lambda: derived(1)),
            _outcome(lambda: derived(flag=True)),
            _outcome(lambda: derived(1, [2], "z", {}, flag=True)),
            _outcome(lambda: derived(1, flag=True, wrong=2)),
            _outcome(lambda: setattr(first, "number", 9)),
            str(inspect.signature(derived)),
            derived.__init__.__annotations__,
            [derived.__init__.__qualname__.rpartition(".")[2], derived.__init__.__module__],
            dataclasses.replace(derived(1, flag=True), flag=False) == derived(2, flag=False),
            hash(base(1, ())) == hash(base(1, ())) if frozen else base.__hash__,
        ]

    assert seen(late_dataclasses.dataclass) == seen(dataclass)


KINDS = [
    pytest.param(
        {"frozen": frozen, "slots": slots, "order": order}, id=f"frozen={frozen},slots={slots},order={order}"
    )
    for frozen in (True, False)
    for slots in (True, False)
    for order in (True, False)
]


def _outcome(act: Any) -> object:
    """Return what came of it: a value, or an error with its words."""
    try:
        return act()
    except (TypeError, AttributeError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_they_behave_as_dataclasses(kind: dict[str, bool]) -> None:
    def seen(decorate: Any) -> list[object]:
        base, derived = _classes(decorate, **kind)
        one, same, other = derived(1, flag=True), derived(1, note="n", flag=True), derived(2, "y", [3], doubled=4)
        return [
            repr(one),
            repr(other),
            one == same,
            one == other,
            one != other,
            one == base(1),
            _outcome(lambda: hash(one) == hash(same)),
            _outcome(lambda: one < other),
            _outcome(lambda: sorted([other, one])[0] is one),
            _outcome(lambda: setattr(one, "number", 9)),
            _outcome(lambda: delattr(other, "text")),
            _outcome(derived),
            _outcome(lambda: derived(1, 2, 3, 4, 5, 6, 7)),
            _outcome(lambda: derived(1, wrong=2)),
            dataclasses.asdict(same),
            dataclasses.replace(same, text="z", doubled=0) == derived(same.number, "z", flag=True),
            [(each.name, each.kw_only, each.compare) for each in dataclasses.fields(derived)],
            derived.__match_args__,
            getattr(derived, "__slots__", None),
            str(inspect.signature(derived)),
            copy.copy(same) == same,
            copy.deepcopy(same) == same,
            derived.__doc__,
            derived.shared,
            derived.__eq__.__qualname__.rpartition(".")[2],
        ]

    assert seen(late_dataclasses.dataclass) == seen(dataclass)


_BASE = """
from __future__ import annotations
from dataclasses import InitVar
from typing import ClassVar

@dataclass(frozen=True, slots=True)
class Base:
    shared: ClassVar[int] = 7
    number: int = 1
    more: InitVar[int] = 0

    def __post_init__(self, more):
        object.__setattr__(self, "number", self.number + more)
"""
_DERIVED = """
from __future__ import annotations
from its_base import Base

@dataclass(frozen=True, slots=True)
class Derived(Base):
    text: str = "x"
"""


def test_what_is_no_field_is_none_in_a_class_of_another_module(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(decorate: Any) -> list[object]:
        for name, source in (("its_base", _BASE), ("its_own", _DERIVED)):
            module = types.ModuleType(name)
            monkeypatch.setitem(sys.modules, name, module)
            vars(module)["dataclass"] = decorate
            exec(source, vars(module))
        derived: Any = vars(sys.modules["its_own"])["Derived"]
        return [repr(derived(2, 3)), derived(2, 3).shared, str(inspect.signature(derived))]

    assert seen(late_dataclasses.dataclass) == seen(dataclass)


def test_no_module_gives_another_name_to_what_is_no_field() -> None:
    renamed = re.compile(
        r"\b(ClassVar|InitVar|KW_ONLY) as (?!\1)|= *(\w+\.)?(ClassVar|InitVar|KW_ONLY)\s*$", re.MULTILINE
    )
    assert renamed.search("from typing import ClassVar as Shared")
    sources = Path(gputui.__file__).parent.rglob("*.py")
    assert [str(path) for path in sources if renamed.search(path.read_text("utf-8"))] == []


OPTIONS = ("eq", "frozen", "unsafe_hash")


@pytest.mark.parametrize("hash_of_its_own", ["", "method", "none"])
@pytest.mark.parametrize("equality_of_its_own", [False, True])
@pytest.mark.parametrize("chosen", list(itertools.product((False, True), repeat=len(OPTIONS))), ids=str)
def test_they_have_a_hash_where_dataclasses_have_one(
    chosen: tuple[bool, ...], equality_of_its_own: bool, hash_of_its_own: str
) -> None:
    def seen(decorate: Any) -> object:
        names: dict[str, Any] = {"__annotations__": {"number": "int"}, "__module__": __name__}
        if equality_of_its_own:
            names["__eq__"] = lambda self, other: self.number % 10 == other.number % 10
        if hash_of_its_own:
            names["__hash__"] = None if hash_of_its_own == "none" else lambda self: 5

        def compared() -> list[object]:
            made: Any = decorate(**dict(zip(OPTIONS, chosen, strict=True)))(type("Made", (), names))
            return [
                made(1) == made(1),
                made(1) == made(11),
                made.__hash__ is None,
                made.__hash__ is object.__hash__,
                _outcome(lambda: hash(made(1)) == hash(made(1))),
                _outcome(lambda: hash(made(1)) == 5),
            ]

        return _outcome(compared)

    assert seen(late_dataclasses.dataclass) == seen(dataclass)


@late_dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """One that is sent to another process."""

    name: str
    size: int = 0


def test_they_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Sent("a", 2))) == Sent("a", 2)


def test_the_signature_is_known_before_there_is_an_object() -> None:
    base, _ = _classes(late_dataclasses.dataclass, frozen=True, slots=True)
    plain, _ = _classes(dataclass, frozen=True, slots=True)
    assert inspect.signature(base) == inspect.signature(plain)


def test_own_methods_stay() -> None:
    @late_dataclasses.dataclass(frozen=True, slots=True)
    class Named:
        name: str

        def __repr__(self) -> str:
            return "mine"

        def __hash__(self) -> int:
            return 5

        def __eq__(self, other: object) -> bool:
            return True

    assert (repr(Named("a")), hash(Named("a")), Named("a") == Named("b")) == ("mine", 5, True)


def test_nothing_is_generated_before_it_is_used() -> None:
    made: Any = late_dataclasses.dataclass(frozen=True, slots=True)(
        type("Made", (), {"__annotations__": {"a": "int"}})
    )

    def generated() -> list[str]:
        return [
            name for name in ("__init__", "__repr__", "__eq__", "__hash__") if inspect.isfunction(vars(made)[name])
        ]

    assert generated() == []
    assert made(1).a == 1
    assert generated() == ["__init__"]
    assert made(1) == made(1)
    assert generated() == ["__init__", "__eq__"]
