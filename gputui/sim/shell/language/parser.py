"""The syntax of the simulated shell: that of a POSIX shell. Pure; runs nothing.

Not supported: background commands, and the extensions of bash (``[[``, arrays, brace expansion, ``function``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gputui.sim.shell.language.tree import (
    AndOr,
    Arithmetic,
    Case,
    Command,
    Document,
    For,
    Function,
    Group,
    If,
    Loop,
    Parameter,
    Part,
    Pipeline,
    Redirection,
    Simple,
    Substitution,
    Text,
    Word,
)

_DEEPEST = 40
_BLANK = re.compile(r"(?:[^\S\n]|\\\n)+")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PARAMETER = re.compile(r"[A-Za-z_]\w*|\d|[?$#@*!-]")
_BRACED = re.compile(r"[A-Za-z_]\w*|\d+|[?$#@*!-]")
_OPERATOR = re.compile(r":?[-=+?]|##?|%%?")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_REDIRECTION = re.compile(r"(\d?)(<<-?|>>|[<>]&|>\||<|>)|(&>>?)")
_SEPARATOR = re.compile(r"&&|\|\||;;|[;&|()\n]")
_FUNCTION = re.compile(r"([A-Za-z_][\w-]*)[ \t]*\([ \t]*\)")
_RESERVED = re.compile(
    r"(if|then|elif|else|fi|for|while|until|do|done|case|esac|in|[{}!])(?=[\s;&|()<>]|$)"
)  # fmt: skip
_RUN = re.compile(r"[^\"\\$`]+")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`]+")


class ShellSyntaxError(Exception):
    """A command line that cannot be parsed."""


class IncompleteError(ShellSyntaxError):
    """The text ends in the middle of a command: more lines may complete it."""


class ShellExitError(Exception):
    """The shell ends with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ReturnError(Exception):
    """A function returns."""


class LoopError(Exception):
    """``break``, or ``continue`` where ``again`` is True, out of ``levels`` loops."""

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again


def parse(text: str) -> tuple[AndOr, ...]:
    """Return the commands of a text. Raises ShellSyntaxError."""
    commands: list[AndOr] = []
    place = 0
    while place < len(text):
        more, place = parse_line(text, place)
        commands += more
    return tuple(commands)


def parse_line(text: str, place: int = 0) -> tuple[tuple[AndOr, ...], int]:
    """Return the commands up to the end of a line, and the place after it.

    Raises IncompleteError where the text ends inside a command, ShellSyntaxError for another error.
    """
    parser = _Parser(text, place)
    return parser.line(), parser.place


@dataclass
class _Parser:
    text: str
    place: int = 0
    _depth: int = 0
    _pending: list[Document] = field(default_factory=list)

    def line(self) -> tuple[AndOr, ...]:
        commands: list[AndOr] = []
        self._blank()
        while not self._ended():
            if self._take("\n"):
                break
            commands.append(self._and_or())
            self._blank()
            if self._take("\n") or self._ended():
                break
            if not self._take(";"):
                raise self._unexpected()
            self._blank()
        if self._pending:
            raise IncompleteError("unexpected end of file in a here-document")
        return tuple(commands)

    def _ended(self) -> bool:
        return self.place >= len(self.text)

    def _blank(self) -> None:
        while True:
            if found := _BLANK.match(self.text, self.place):
                self.place = found.end()
            elif self.text.startswith("#", self.place):
                end = self.text.find("\n", self.place)
                self.place = len(self.text) if end < 0 else end
            else:
                return

    def _lines(self) -> None:
        """Skip blanks and line ends."""
        self._blank()
        while self._take("\n"):
            self._blank()

    def _take(self, token: str) -> bool:
        found = _SEPARATOR.match(self.text, self.place)
        if found is None or found[0] != token:
            return False
        self.place = found.end()
        if found[0] == "\n":
            self._documents()
        return True

    def _unexpected(self) -> ShellSyntaxError:
        if self._ended():
            return IncompleteError("syntax error: unexpected end of file")
        found = _SEPARATOR.match(self.text, self.place) or _RESERVED.match(self.text, self.place)
        found_text = (found[0] if found else self.text[self.place]).replace("\n", "newline")
        if found_text == "&":
            return ShellSyntaxError("the simulated shell has no `&'")
        return ShellSyntaxError(f"syntax error near unexpected token `{found_text}'")

    def _reserved(self) -> str:
        found = _RESERVED.match(self.text, self.place)
        return found[1] if found else ""

    def _word_is(self, *expected: str) -> bool:
        """Take a reserved word, if it is one of these."""
        word = self._reserved()
        if word not in expected:
            return False
        self.place += len(word)
        return True

    def _expect(self, word: str) -> None:
        self._lines()
        if not self._word_is(word):
            raise self._unexpected()

    # Commands

    def _list(self, *ends: str) -> tuple[AndOr, ...]:
        """Commands up to a reserved word, ``)`` or ``;;``, which is not taken. At least one."""
        commands: list[AndOr] = []
        self._lines()
        while not self._ended() and self._reserved() not in ends and not self._at(*ends):
            commands.append(self._and_or())
            self._blank()
            if self._at(";;"):
                break
            if not (self._take(";") or self._take("\n")):
                break
            self._lines()
        if not commands or (self._reserved() not in ends and not self._at(*ends)):
            raise self._unexpected()
        return tuple(commands)

    def _at(self, *tokens: str) -> bool:
        found = _SEPARATOR.match(self.text, self.place)
        return found is not None and found[0] in tokens

    def _and_or(self) -> AndOr:
        pipelines = [self._pipeline("")]
        while True:
            self._blank()
            when = next((token for token in ("&&", "||") if self._take(token)), "")
            if not when:
                return tuple(pipelines)
            self._lines()
            pipelines.append(self._pipeline(when))

    def _pipeline(self, when: str) -> Pipeline:
        negated = self._word_is("!")
        self._blank()
        commands = [self._command()]
        self._blank()
        while self._take("|"):
            self._lines()
            commands.append(self._command())
            self._blank()
        return Pipeline(tuple(commands), when, negated)

    def _command(self) -> Command:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ShellSyntaxError("the commands are nested too deeply")
        try:
            redirections: list[Redirection] = []
            compound = self._compound()
            if compound is None:
                simple = self._simple(redirections)
                return Command(simple, tuple(redirections))
            self._blank()
            while self._redirection(redirections):
                self._blank()
            return Command(compound, tuple(redirections))
        finally:
            self._depth -= 1

    def _compound(self) -> Group | If | Loop | For | Case | Function | None:
        if self._take("("):
            commands = self._list(")")
            self._take(")")
            return Group(commands, subshell=True)
        if found := _FUNCTION.match(self.text, self.place):
            self.place = found.end()
            self._lines()
            body = self._command()
            if isinstance(body.what, Simple | Function):
                raise self._unexpected()
            return Function(found[1], body)
        word = self._reserved()
        if word in ("then", "elif", "else", "fi", "do", "done", "esac", "in", "}"):
            raise self._unexpected()
        if not self._word_is("{", "if", "while", "until", "for", "case"):
            return None
        match word:
            case "{":
                commands = self._list("}")
                self._word_is("}")
                return Group(commands)
            case "if":
                return self._if()
            case "while" | "until":
                return Loop(self._list("do"), self._body(), word == "while")
            case "for":
                return self._for()
            case _:
                return self._case()

    def _if(self) -> If:
        branches = []
        while True:
            condition = self._list("then")
            self._expect("then")
            branches.append((condition, self._list("elif", "else", "fi")))
            if self._word_is("elif"):
                continue
            otherwise = self._list("fi") if self._word_is("else") else ()
            self._expect("fi")
            return If(tuple(branches), otherwise)

    def _body(self) -> tuple[AndOr, ...]:
        self._expect("do")
        commands = self._list("done")
        self._expect("done")
        return commands

    def _for(self) -> For:
        self._blank()
        found = _NAME.match(self.text, self.place)
        if found is None:
            raise self._unexpected()
        self.place = found.end()
        self._lines()
        words: list[Word] | None = None
        if self._word_is("in"):
            words = []
            self._blank()
            while word := self._word():
                words.append(word)
                self._blank()
        _ = self._take(";") or self._take("\n")
        return For(found[0], None if words is None else tuple(words), self._body())

    def _case(self) -> Case:
        self._blank()
        word = self._word()
        if word is None:
            raise self._unexpected()
        self._expect("in")
        items = []
        self._lines()
        while not self._word_is("esac"):
            self._take("(")
            patterns = []
            while True:
                self._blank()
                pattern = self._word()
                if pattern is None:
                    raise self._unexpected()
                patterns.append(pattern)
                self._blank()
                if not self._take("|"):
                    break
            if not self._take(")"):
                raise self._unexpected()
            self._lines()
            empty = self._at(";;") or self._reserved() == "esac"
            items.append((tuple(patterns), () if empty else self._list(";;", "esac")))
            self._take(";;")
            self._lines()
        return Case(word, tuple(items))

    def _simple(self, redirections: list[Redirection]) -> Simple:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        while True:
            self._blank()
            if self._redirection(redirections):
                continue
            found = None if words else _ASSIGNMENT.match(self.text, self.place)
            if found is not None:
                self.place = found.end()
                assignments.append((found[0][:-1], self._word() or ()))
                continue
            word = self._word()
            if word is None:
                break
            words.append(word)
        if not (assignments or words or redirections):
            raise self._unexpected()
        return Simple(tuple(assignments), tuple(words))

    def _redirection(self, redirections: list[Redirection]) -> bool:
        found = _REDIRECTION.match(self.text, self.place)
        if found is None:
            return False
        self.place = found.end()
        operator = found[2] or found[3]
        fd = int(found[1]) if found[1] else int(not operator.startswith("<"))
        self._blank()
        start = self.place
        word = self._word()
        if word is None:
            raise (
                IncompleteError("syntax error near unexpected token `newline'")
                if self._ended()
                else self._unexpected()
            )
        if operator in ("<<", "<<-"):
            written = self.text[start : self.place]
            delimiter = re.sub(r"['\"\\]", "", written)
            document = Document(delimiter, operator == "<<-", delimiter == written)
            self._pending.append(document)
            redirections.append(Redirection(fd, "<<", document=document))
        elif operator in ("&>", "&>>"):
            redirections.append(Redirection(1, operator[1:], word))
            redirections.append(Redirection(2, ">&", (Text("1"),)))
        else:
            redirections.append(Redirection(fd, operator, word))
        return True

    def _documents(self) -> None:
        """Read the bodies of the here-documents of the line that has ended."""
        pending, self._pending = self._pending, []
        for document in pending:
            lines = []
            while True:
                if self._ended():
                    raise IncompleteError("unexpected end of file in a here-document")
                end = self.text.find("\n", self.place)
                end = len(self.text) if end < 0 else end
                line = self.text[self.place : end]
                self.place = min(end + 1, len(self.text))
                line = line.lstrip("\t") if document.strip else line
                if line == document.delimiter:
                    break
                lines.append(f"{line}\n")
            body = "".join(lines)
            document.body = _Parser(body).quoted() if document.expand else (Text(body, quoted=True),)

    # Words

    def _word(self) -> Word | None:
        """The word here, None where there is none."""
        parts: list[Part] = []
        begun = False
        while not self._ended():
            if found := _PLAIN.match(self.text, self.place):
                parts.append(Text(found[0]))
                self.place = found.end()
            elif (char := self.text[self.place]) == "'":
                end = self.text.find("'", self.place + 1)
                if end < 0:
                    raise IncompleteError("unexpected EOF while looking for matching `''")
                parts.append(Text(self.text[self.place + 1 : end], quoted=True))
                self.place = end + 1
            elif char == '"':
                self.place += 1
                parts += self.quoted('"') or (Text("", quoted=True),)
            elif char == "\\":
                if self.text.startswith("\\\n", self.place):
                    self.place += 2
                    continue
                parts.append(Text(self.text[self.place + 1 : self.place + 2] or "\\", quoted=True))
                self.place += 2
            elif char in "$`":
                parts.append(self._expansion(quoted=False))
            else:
                break
            begun = True
        return tuple(parts) if begun else None

    def quoted(self, end: str = "") -> Word:
        """Parts up to ``end``, or of all the text for "", in which only ``$``, backquotes and backslashes act."""
        parts: list[Part] = []
        text = ""
        while True:
            if self._ended():
                if end:
                    raise IncompleteError(f"unexpected EOF while looking for matching `{end}'")
                break
            if found := _RUN.match(self.text, self.place):
                text += found[0]
                self.place = found.end()
                continue
            char = self.text[self.place]
            if char == end:
                self.place += 1
                break
            if char == "\\" and self.text[self.place + 1 : self.place + 2] in ("$", "`", "\\", "\n", end or "$"):
                text += self.text[self.place + 1].replace("\n", "")
                self.place += 2
            elif char in "$`":
                if text:
                    parts.append(Text(text, quoted=True))
                    text = ""
                parts.append(self._expansion(quoted=True))
            else:
                text += char
                self.place += 1
        return (*parts, Text(text, quoted=True)) if text else tuple(parts)

    def _expansion(self, *, quoted: bool) -> Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ShellSyntaxError("the commands are nested too deeply")
        try:
            if self.text[self.place] == "`":
                return Substitution(self._backquoted(), quoted)
            self.place += 1
            if self.text.startswith("((", self.place):
                self.place += 2
                return Arithmetic(self._arithmetic(), quoted)
            if self.text.startswith("(", self.place):
                self.place += 1
                self._lines()
                commands = () if self._at(")") else self._list(")")
                self._take(")")
                return Substitution(commands, quoted)
            if self.text.startswith("{", self.place):
                self.place += 1
                return self._braced(quoted)
            found = _PARAMETER.match(self.text, self.place)
            if found is None:
                return Text("$", quoted=True)
            self.place = found.end()
            return Parameter(found[0], quoted)
        finally:
            self._depth -= 1

    def _backquoted(self) -> tuple[AndOr, ...]:
        end = self.place + 1
        while end < len(self.text) and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise IncompleteError("unexpected EOF while looking for matching ``'")
        inside = re.sub(r"\\([$`\\])", r"\1", self.text[self.place + 1 : end])
        self.place = end + 1
        inner = _Parser(inside, 0, self._depth)
        commands: list[AndOr] = []
        while not inner._ended():
            commands += inner.line()
        return tuple(commands)

    def _arithmetic(self) -> Word:
        depth, start = 0, self.place
        while not self._ended():
            if self.text.startswith("))", self.place) and not depth:
                inside = self.text[start : self.place]
                self.place += 2
                return _Parser(inside, 0, self._depth).quoted()
            depth += {"(": 1, ")": -1}.get(self.text[self.place], 0)
            self.place += 1
        raise IncompleteError("unexpected EOF while looking for matching `))'")

    def _braced(self, quoted: bool) -> Part:
        length = self.text.startswith("#", self.place) and not self.text.startswith("#}", self.place)
        self.place += int(length)
        found = _BRACED.match(self.text, self.place)
        if found is None:
            if self._ended():
                raise IncompleteError("unexpected EOF while looking for matching `}'")
            raise ShellSyntaxError("bad substitution")
        self.place = found.end()
        operator = "length" if length else ""
        word: Word = ()
        if not length and (sign := _OPERATOR.match(self.text, self.place)):
            operator = sign[0]
            self.place = sign.end()
            word = self._until_brace(quoted)
        if not self.text.startswith("}", self.place):
            if self._ended():
                raise IncompleteError("unexpected EOF while looking for matching `}'")
            raise ShellSyntaxError("bad substitution")
        self.place += 1
        return Parameter(found[0], quoted, operator, word)

    def _until_brace(self, quoted: bool) -> Word:
        parts: list[Part] = []
        while not self._ended() and self.text[self.place] != "}":
            char = self.text[self.place]
            if char == "'" and not quoted:
                end = self.text.find("'", self.place + 1)
                if end < 0:
                    raise IncompleteError("unexpected EOF while looking for matching `''")
                parts.append(Text(self.text[self.place + 1 : end], quoted=True))
                self.place = end + 1
            elif char == '"':
                self.place += 1
                parts += self.quoted('"') or (Text("", quoted=True),)
            elif char == "\\" and self.place + 1 < len(self.text):
                parts.append(Text(self.text[self.place + 1], quoted=True))
                self.place += 2
            elif char in "$`":
                parts.append(self._expansion(quoted=quoted))
            else:
                parts.append(Text(char))
                self.place += 1
        return tuple(parts)
