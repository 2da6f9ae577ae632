"""The words of a script: quotes, expansions and here-documents, and the tokens between words."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from .errors import IncompleteError, ShellSyntaxError
from .tree import AndOr, Arithmetic, Document, Parameter, Part, Substitution, Text, Word

_DEEPEST = 40
_BLANK = re.compile(r"(?:[^\S\n]|\\\n|#[^\n]*+)+")
_PARAMETER = re.compile(r"[A-Za-z_]\w*|\d|[?$#@*!-]")
_BRACED = re.compile(r"[A-Za-z_]\w*|\d+|[?$#@*!-]")
_OPERATOR = re.compile(r":?[-=+?]|##?|%%?")
_SEPARATOR = re.compile(r"&&|\|\||;;|[;&|()\n]")
RESERVED_WORDS = ("!", "{", "}", "case", "done", "do", "elif", "else", "esac", "fi", "for", "if", "in", "then",
                  "until", "while")  # fmt: skip
_RESERVED = re.compile(rf"({'|'.join(map(re.escape, RESERVED_WORDS))})(?=[\s;&|()<>]|$)")
_RUN = re.compile(r"[^\"\\$`]+")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`]+")


class WordReader(ABC):
    """Reads the words of a text from a place on. The commands inside them are for a subclass to read.

    ``depth`` counts what the text is nested in. Texts that end too soon raise IncompleteError, others that are no
    script ShellSyntaxError.
    """

    def __init__(self, text: str, place: int = 0, depth: int = 0) -> None:
        self.text = text
        self.place = place
        self._depth = depth
        self.pending: list[Document] = []
        """The here-documents that begin after this line."""

    @abstractmethod
    def list_until(self, *ends: str) -> tuple[AndOr, ...]:
        """Read commands, at least one, up to one of these tokens or reserved words, which is not taken."""

    @abstractmethod
    def all_lines(self) -> tuple[AndOr, ...]:
        """Read the commands of all the text."""

    # Tokens

    def ended(self) -> bool:
        """Return whether nothing is left."""
        return self.place >= len(self.text)

    def skip_blanks(self) -> None:
        """Skip blanks and comments."""
        if found := _BLANK.match(self.text, self.place):
            self.place = found.end()

    def skip_lines(self) -> None:
        """Skip blanks, comments and line ends."""
        self.skip_blanks()
        while self.take("\n"):
            self.skip_blanks()

    def at(self, *tokens: str) -> bool:
        """Return whether one of these tokens is here."""
        found = _SEPARATOR.match(self.text, self.place)
        return found is not None and found[0] in tokens

    def take(self, wanted: str) -> bool:
        """Take a token, if it is here. The end of a line takes the here-documents after it as well."""
        if not self.at(wanted):
            return False
        self.place += len(wanted)
        if wanted == "\n":
            self._read_documents()
        return True

    def matched(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take the text here that matches a pattern."""
        found = pattern.match(self.text, self.place)
        if found is not None:
            self.place = found.end()
        return found

    def reserved(self) -> str:
        """Return the reserved word here, "" for none."""
        found = _RESERVED.match(self.text, self.place)
        return found[1] if found else ""

    def unexpected(self) -> ShellSyntaxError:
        """Return the error of a token that may not be here."""
        if self.ended():
            return IncompleteError("syntax error: unexpected end of file")
        found = _SEPARATOR.match(self.text, self.place) or _RESERVED.match(self.text, self.place)
        text = (found[0] if found else self.text[self.place]).replace("\n", "newline")
        return ShellSyntaxError(f"syntax error near unexpected token `{text}'")

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Read something nested. Raises ShellSyntaxError where it is nested too deeply."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ShellSyntaxError("the commands are nested too deeply")
        yield
        self._depth -= 1

    def _inside(self, text: str) -> Self:
        return type(self)(text, 0, self._depth)

    def _read_documents(self) -> None:
        """Read the bodies of the here-documents of the line that has ended."""
        pending, self.pending = self.pending, []
        for document in pending:
            lines = []
            while (line := self._line(document)) != document.delimiter:
                lines.append(f"{line}\n")
            body = "".join(lines)
            document.body = self._inside(body).quoted() if document.expand else (Text(body, quoted=True),)

    def _line(self, document: Document) -> str:
        if self.ended():
            raise IncompleteError("unexpected end of file in a here-document")
        line, _, _ = self.text[self.place :].partition("\n")
        self.place = min(self.place + len(line) + 1, len(self.text))
        return line.lstrip("\t") if document.strip else line

    # Words

    def word(self) -> Word | None:
        """Read the word here; None where there is none."""
        parts: list[Part] = []
        start = self.place
        while not self.ended():
            char = self.text[self.place]
            if found := self.matched(_PLAIN):
                parts.append(Text(found[0]))
            elif self.text.startswith("\\\n", self.place):
                self.place += 2
            elif char in "'\"\\$`":
                parts += self._part(char)
            else:
                break
        return tuple(parts) if self.place > start else None

    def _part(self, char: str, *, quoted: bool = False) -> Word:
        """A part that begins with a special character; single quotes have no meaning where it is ``quoted``."""
        match char:
            case "'":
                end = self._find("'", self.place + 1)
                text = self.text[self.place + 1 : end]
                self.place = end + 1
                return (Text(text, quoted=True),)
            case '"':
                self.place += 1
                return self.quoted('"') or (Text("", quoted=True),)
            case "\\":
                self.place += 2
                return (Text(self.text[self.place - 1 : self.place] or "\\", quoted=True),)
            case _:
                return (self._expansion(quoted=quoted),)

    def _find(self, end: str, place: int) -> int:
        found = self.text.find(end, place)
        if found < 0:
            raise self._unclosed(end)
        return found

    def _unclosed(self, end: str) -> IncompleteError:
        return IncompleteError(f"unexpected EOF while looking for matching `{end}'")

    def quoted(self, end: str = "") -> Word:
        """Read up to ``end``, or all of the text for "": only ``$``, backquotes and backslashes act in it."""
        parts: list[Part] = []
        text = ""
        while not self.ended():
            char = self.text[self.place]
            if found := self.matched(_RUN):
                text += found[0]
            elif char == end:
                break
            elif char == "\\" and self.text[self.place + 1 : self.place + 2] in ("$", "`", "\\", "\n", end or "$"):
                text += self.text[self.place + 1].replace("\n", "")
                self.place += 2
            elif char in "$`":
                parts += [Text(text, quoted=True)] if text else []
                text = ""
                parts.append(self._expansion(quoted=True))
            else:
                text += char
                self.place += 1
        if end:
            self._close(end)
        return (*parts, Text(text, quoted=True)) if text else tuple(parts)

    def _close(self, end: str) -> None:
        if self.ended():
            raise self._unclosed(end)
        self.place += 1

    def _expansion(self, *, quoted: bool) -> Part:
        with self.deeper():
            if self.text[self.place] == "`":
                return Substitution(self._backquoted(), quoted)
            self.place += 1
            if self.text.startswith("((", self.place):
                self.place += 2
                return Arithmetic(self._arithmetic(), quoted)
            if self.take("("):
                self.skip_lines()
                commands = () if self.at(")") else self.list_until(")")
                self.take(")")
                return Substitution(commands, quoted)
            if self.text.startswith("{", self.place):
                self.place += 1
                return self._braced(quoted)
            found = self.matched(_PARAMETER)
            return Parameter(found[0], quoted) if found else Text("$", quoted=True)

    def _backquoted(self) -> tuple[AndOr, ...]:
        end = self.place + 1
        while end < len(self.text) and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self._unclosed("`")
        inside = re.sub(r"\\([$`\\])", r"\1", self.text[self.place + 1 : end])
        self.place = end + 1
        return self._inside(inside).all_lines()

    def _arithmetic(self) -> Word:
        depth, start = 0, self.place
        while not self.ended():
            if self.text.startswith("))", self.place) and not depth:
                self.place += 2
                return self._inside(self.text[start : self.place - 2]).quoted()
            depth += {"(": 1, ")": -1}.get(self.text[self.place], 0)
            self.place += 1
        raise self._unclosed("))")

    def _braced(self, quoted: bool) -> Part:
        """A parameter in braces, of which the first is taken."""
        length = self.text.startswith("#", self.place) and not self.text.startswith("#}", self.place)
        self.place += int(length)
        found = self.matched(_BRACED)
        if found is None:
            raise self._unclosed("}") if self.ended() else ShellSyntaxError("bad substitution")
        operator = "length" if length else ""
        word: Word = ()
        if not length and (sign := self.matched(_OPERATOR)):
            operator = sign[0]
            word = self._until_brace(quoted and operator[0] not in "#%")
        if not self.ended() and self.text[self.place] != "}":
            raise ShellSyntaxError("bad substitution")
        self._close("}")
        return Parameter(found[0], quoted, operator, word)

    def _until_brace(self, quoted: bool) -> Word:
        """The word of an operator; where it is ``quoted``, single quotes and most backslashes are characters."""
        parts: list[Part] = []
        while not self.ended() and (char := self.text[self.place]) != "}":
            following = self.text[self.place + 1 : self.place + 2]
            plain = quoted and (char == "'" or (char == "\\" and following not in ("$", "`", '"', "\\", "}")))
            if char in "'\"\\$`" and not plain:
                parts += self._part(char, quoted=quoted)
            else:
                parts.append(Text(char))
                self.place += 1
        return tuple(parts)
