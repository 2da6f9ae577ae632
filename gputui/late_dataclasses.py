"""Dataclasses whose methods are generated when one of them is first used.

``dataclasses`` compiles up to six functions for each class when it is defined, which is a third of the time of all
imports before the first frame; most of the classes have no object by then. To type checkers and to the functions of
``dataclasses`` (``fields``, ``replace``, ``asdict``) the classes are ordinary ones.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  (exported: it is an ordinary one)
else:

    def dataclass(cls: type | None = None, /, *, kw_only: bool = False, slots: bool = False, **options: bool) -> Any:
        """Make a dataclass of a class, as :func:`dataclasses.dataclass` does.

        ``options``: ``frozen``, ``eq``, ``order`` and ``unsafe_hash``.
        """
        if cls is None:
            return lambda cls: _make(cls, kw_only=kw_only, slots=slots, **options)
        return _make(cls, kw_only=kw_only, slots=slots, **options)


_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")


def _make(
    cls: type,
    *,
    kw_only: bool,
    slots: bool,
    frozen: bool = False,
    eq: bool = True,
    order: bool = False,
    unsafe_hash: bool = False,
) -> Any:
    own = vars(cls)
    if order and any(name in own for name in _ORDER):
        raise TypeError(f"{cls.__name__} has an order of its own")
    # Python itself adds a hash of None to a class with an equality of its own.
    has_hash = "__hash__" in own and not (own["__hash__"] is None and "__eq__" in own)
    if unsafe_hash and has_hash:
        raise TypeError(f"Cannot overwrite attribute __hash__ in class {cls.__name__}")
    names = ["__init__", "__repr__", *(("__eq__",) if eq else ()), *(_ORDER if order else ())]
    late = [name for name in names if name not in own]
    if unsafe_hash or (eq and frozen and not has_hash):
        late.append("__hash__")
    made = _with_fields(cls, kw_only=kw_only, slots=slots)
    if eq and not frozen and not unsafe_hash and not has_hash:
        made.__hash__ = None  # as for every class whose objects can be compared and changed
    for name in late:
        setattr(made, name, _Late(made, name, frozen=frozen))
    if frozen:
        made.__setattr__, made.__delattr__ = _refuse_to_set, _refuse_to_delete
        if slots:
            made.__getstate__, made.__setstate__ = _state, _set_state
    return made


def _with_fields(cls: type, *, kw_only: bool, slots: bool) -> Any:
    """Return a dataclass without methods. Two things that ``dataclasses`` does for a class take most of its time."""
    if not cls.__doc__:
        cls.__doc__ = cls.__name__  # it would make one of the signature
    types: dict[str, Any] = vars(cls).get("__annotations__", {})
    # It would look in each text for what is no field; a test finds another name of ClassVar, InitVar or KW_ONLY.
    are_fields = not any("Var" in str(one) or "KW_ONLY" in str(one) for one in types.values())
    if are_fields:
        cls.__annotations__ = dict.fromkeys(types, object)
    # With these options it finds the fields and makes the slots, and compiles nothing.
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only, slots=slots)(cls)
    if are_fields:
        made.__annotations__ = types
        for name, one in types.items():
            made.__dataclass_fields__[name].type = one
    return made


_PARTS = {"__init__": ("init",), "__repr__": ("repr",), "__eq__": ("eq",), "__hash__": ("unsafe_hash",)}
"""The options that have ``dataclasses`` generate a method; those of the order need two."""


class _Late:
    """A method that is generated when it is first looked up: most classes never need all that they have."""

    def __init__(self, made: Any, name: str, *, frozen: bool) -> None:
        self._made, self._name, self._frozen = made, name, frozen

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        made, name = self._made, self._name
        method = _simple_init(made, frozen=self._frozen) if name == "__init__" else None
        if method is None:
            options = dict.fromkeys(("init", "repr", "eq"), False)
            options |= dict.fromkeys(_PARTS.get(name, ("eq", "order")), True)
            if name == "__init__":  # for the others it only means more to compile
                options["frozen"] = self._frozen
            method = vars(_generated(made, **options))[name]
        method.__qualname__ = f"{made.__qualname__}.{name}"
        setattr(made, name, method)
        return method.__get__(instance, owner)


class _Factory:
    """The default of a parameter whose field has a factory, under the name that ``dataclasses`` gives it."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _simple_init(made: Any, *, frozen: bool) -> Any:
    """Return the ``__init__`` of a class whose fields all are parameters, None for another class.

    It is the one that ``dataclasses`` generates, in a sixth of the time: there each field is checked again, and what
    refuses changes is compiled. Most objects of the first frame need no other method.
    """
    fields: dict[str, dataclasses.Field[Any]] = made.__dataclass_fields__
    if (
        len(dataclasses.fields(made)) < len(fields)
        or "self" in fields
        or not all(one.init for one in fields.values())
    ):
        return None
    names: dict[str, Any] = {"__name__": made.__module__, "__set": object.__setattr__, "__factory": _FACTORY}
    positional, by_keyword, lines = ["self"], list[str](), list[str]()
    for name, one in fields.items():
        parameter = value = name
        if one.default is not dataclasses.MISSING:
            names[f"__of_{name}"] = one.default
            parameter = f"{name}=__of_{name}"
        elif one.default_factory is not dataclasses.MISSING:
            names[f"__of_{name}"] = one.default_factory
            parameter = f"{name}=__factory"
            value = f"__of_{name}() if {name} is __factory else {name}"
        (by_keyword if one.kw_only else positional).append(parameter)
        lines.append(f" __set(self, {name!r}, {value})" if frozen else f" self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    parameters = ", ".join((*positional, *(("*", *by_keyword) if by_keyword else ())))
    exec(f"def __init__({parameters}):\n" + "\n".join(lines or [" pass"]), names)  # noqa: S102  (names of fields alone)
    init = names["__init__"]
    init.__annotations__ = {name: one.type for name, one in fields.items()} | {"return": None}
    return init


def _generated(made: Any, **options: bool) -> type:
    """Return a class with the methods that ``dataclasses`` generates for the fields of another."""
    fields: dict[str, dataclasses.Field[Any]] = made.__dataclass_fields__
    # As those of a base they are taken as they are: what is a field was decided where each was defined.
    names: dict[str, Any] = {
        "__dataclass_fields__": fields,
        "__dataclass_params__": SimpleNamespace(frozen=options.get("frozen", False)),
        "__annotations__": {name: field.type for name, field in fields.items()},
    }
    own: dict[str, Any] = {"__module__": made.__module__}
    own["__doc__"] = made.__doc__  # without one, dataclasses makes one of the signature
    if hasattr(made, "__post_init__"):
        own["__post_init__"] = None  # that there is one is all that matters
    plain: Any = type(made.__name__, (type("Fields", (), names),), own)
    return dataclasses.dataclass(**options)(plain)


def _refuse_to_set(self: object, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
