"""Options of simulated programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def parsed(
    words: Sequence[str], short: str, *, long: Mapping[str, str] | None = None, stop: bool = False
) -> tuple[dict[str, str], list[str]]:
    """Return the options of a command line, and what are none.

    ``short`` has the letters, a colon after those with a value; ``long`` gives long options their letter or "", a
    colon after those with a value. ``stop``: the first word that is no option ends them. Unknown options are ignored.
    Of an option given twice the last value counts, of ``e`` and ``k`` all of them, a line each.
    """
    options: dict[str, str] = {}
    others: list[str] = []
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word == "--":
            return options, others + rest
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            letter = (long or {}).get(name, "")
            if letter.endswith(":") and not equals:
                value = rest.pop(0) if rest else ""
            options[letter.rstrip(":") or name] = value
        elif word.startswith("-") and len(word) > 1:
            for place, letter in enumerate(word[1:], 2):
                if f"{letter}:" in short:
                    value = word[place:] or (rest.pop(0) if rest else "")
                    several = letter in "ek" and letter in options
                    options[letter] = f"{options[letter]}\n{value}" if several else value
                    break
                options[letter] = ""
        else:
            others.append(word)
            if stop:
                return options, others + rest
    return options, others
