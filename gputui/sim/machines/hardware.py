"""GPUs and their models: limits, features, and power and temperature as functions of the load."""

from __future__ import annotations

from dataclasses import dataclass

MIB, GIB = 1 << 20, 1 << 30
PAGE = 4096
DRIVER_VERSION, CUDA_VERSION = "570.133.20", "12.8"
_IDLE_WATTS, _IDLE_DEGREES, _BUSY_DEGREES = 22.0, 34.0, 74.0
_FAN_FROM, _FAN_SLOPE = 44.0, 1.6


@dataclass(frozen=True)
class Card:
    """A kind of GPU. ``power_limit`` in watts; ``passive`` ones have no fan of their own.

    ``busy`` are the degrees Celsius at full load.
    """

    power_limit: float
    passive: bool = False
    mig: bool = False
    """Whether it can be cut into slices."""
    ecc: bool = False
    """Whether its memory has ECC, which is on."""
    capability: str = "8.6"
    busy: float = _BUSY_DEGREES

    def power(self, load: float) -> float:
        """Watts drawn at a load of 0 to 100 percent."""
        return _IDLE_WATTS + (0.95 * self.power_limit - _IDLE_WATTS) * load / 100

    def temperature(self, load: float) -> float:
        """Degrees Celsius after some minutes at a load of 0 to 100 percent."""
        return _IDLE_DEGREES + (self.busy - _IDLE_DEGREES) * load / 100

    def fan(self, temperature: float) -> float | None:
        """The fan's speed in percent, 0 while the GPU is cool. None without a fan."""
        if self.passive:
            return None
        return min(100.0, 30 + (temperature - _FAN_FROM) * _FAN_SLOPE) if temperature >= _FAN_FROM else 0.0


_CARDS = (
    ("5090", Card(575, capability="12.0")),
    ("PRO 6000", Card(600, mig=True, ecc=True, capability="12.0")),
    ("4090", Card(450, capability="8.9")),
    ("4080", Card(320, capability="8.9")),
    ("3090", Card(350)),
    ("H100", Card(700, passive=True, mig=True, ecc=True, capability="9.0", busy=86.0)),
    ("H800", Card(700, passive=True, mig=True, ecc=True, capability="9.0")),
    ("H200", Card(700, passive=True, mig=True, ecc=True, capability="9.0")),
    ("H20", Card(500, passive=True, mig=True, ecc=True, capability="9.0")),
    ("A100", Card(400, passive=True, mig=True, ecc=True, capability="8.0")),
    ("A800", Card(400, passive=True, mig=True, ecc=True, capability="8.0")),
    ("910B", Card(400, passive=True, capability="")),
    ("MI300X", Card(750, passive=True, capability="9.4")),
    ("V100", Card(300, passive=True, ecc=True, capability="7.0")),
    ("L40", Card(300, passive=True, ecc=True, capability="8.9", busy=94.0)),
    ("L20", Card(275, passive=True, ecc=True, capability="8.9")),
    ("T4", Card(70, passive=True, ecc=True, capability="7.5")),
    ("P40", Card(250, passive=True, ecc=True, capability="6.1")),
)
_ANY = Card(300)


def card(model: str) -> Card:
    """Return the properties of a GPU model."""
    name = model.upper()
    return next((known for part, known in _CARDS if part in name), _ANY)


@dataclass(frozen=True)
class Gpu:
    """A GPU of a host. ``memory`` in bytes."""

    index: int
    uuid: str
    model: str
    memory: int
