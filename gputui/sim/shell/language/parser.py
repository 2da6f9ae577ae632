"""The syntax of the simulated shell: that of a POSIX shell. Pure; runs nothing.

Not supported: the extensions of bash (``[[``, arrays, brace expansion, ``function``).
"""

from __future__ import annotations

import re
from functools import lru_cache

from .errors import IncompleteError
from .tree import (
    AndOr,
    Background,
    Case,
    Command,
    Document,
    For,
    Function,
    Group,
    If,
    Loop,
    Pipeline,
    Redirection,
    Simple,
    Text,
    Word,
)
from .words import WordReader

_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_REDIRECTION = re.compile(r"(\d?)(<<-?|>>|<>|[<>]&|>\||<|>)|(&>>?)")
_FUNCTION = re.compile(r"([A-Za-z_][\w-]*)[ \t]*\([ \t]*\)")


@lru_cache(maxsize=32)  # the program sends the same scripts every few seconds; a tree is never changed
def parse(text: str) -> tuple[AndOr, ...]:
    """Return the commands of a text. Raises ShellSyntaxError."""
    return _Parser(text).all_lines()


def parse_line(text: str, place: int = 0) -> tuple[tuple[AndOr, ...], int]:
    """Return the commands up to the end of a line, and the place after it.

    Raises IncompleteError where the text ends inside a command, ShellSyntaxError for another error.
    """
    parser = _Parser(text, place)
    return parser.line(), parser.place


class _Parser(WordReader):
    """Reads commands."""

    def all_lines(self) -> tuple[AndOr, ...]:
        """Read the commands of all the text."""
        commands: list[AndOr] = []
        while not self.ended():
            commands += self.line()
        return tuple(commands)

    def line(self) -> tuple[AndOr, ...]:
        """Read the commands up to the end of a line."""
        commands: list[AndOr] = []
        self.skip_blanks()
        while not self.ended():
            if self.take("\n"):
                break
            command, ended = self._ended_command()
            commands.append(command)
            if self.take("\n") or self.ended():
                break
            if not ended:
                raise self.unexpected()
        if self.pending:
            raise IncompleteError("unexpected end of file in a here-document")
        return tuple(commands)

    def _word_is(self, *expected: str) -> bool:
        """Take a reserved word, if it is one of these."""
        word = self.reserved()
        if word not in expected:
            return False
        self.place += len(word)
        return True

    def _expect(self, word: str) -> None:
        self.skip_lines()
        if not self._word_is(word):
            raise self.unexpected()

    def list_until(self, *ends: str) -> tuple[AndOr, ...]:
        """Commands up to a reserved word, ``)`` or ``;;``, which is not taken. At least one."""
        commands: list[AndOr] = []
        self.skip_lines()
        while not self.ended() and self.reserved() not in ends and not self.at(*ends):
            command, ended = self._ended_command()
            commands.append(command)
            if not (ended or self.take("\n")):
                break
            self.skip_lines()
        if not commands or (self.reserved() not in ends and not self.at(*ends)):
            raise self.unexpected()
        return tuple(commands)

    def _ended_command(self) -> tuple[AndOr, bool]:
        """Commands up to ``;`` or ``&``, and whether there is one of these."""
        command = self._and_or()
        self.skip_blanks()
        background = self.take("&")
        if background:
            command = (Pipeline((Command(Background((command,))),)),)
        ended = background or self.take(";")
        self.skip_blanks()
        return command, ended

    def _and_or(self) -> AndOr:
        pipelines = [self._pipeline("")]
        while True:
            self.skip_blanks()
            when = next((token for token in ("&&", "||") if self.take(token)), "")
            if not when:
                return tuple(pipelines)
            self.skip_lines()
            pipelines.append(self._pipeline(when))

    def _pipeline(self, when: str) -> Pipeline:
        negated = self._word_is("!")
        self.skip_blanks()
        commands = [self._command()]
        self.skip_blanks()
        while self.take("|"):
            self.skip_lines()
            commands.append(self._command())
            self.skip_blanks()
        return Pipeline(tuple(commands), when, negated)

    def _command(self) -> Command:
        with self.deeper():
            redirections: list[Redirection] = []
            compound = self._compound()
            if compound is None:
                return Command(self._simple(redirections), tuple(redirections))
            self.skip_blanks()
            while self._redirection(redirections):
                self.skip_blanks()
            return Command(compound, tuple(redirections))

    def _compound(self) -> Group | If | Loop | For | Case | Function | None:
        if self.take("("):
            commands = self.list_until(")")
            self.take(")")
            return Group(commands, subshell=True)
        if found := self.matched(_FUNCTION):
            self.skip_lines()
            body = self._command()
            if isinstance(body.what, Simple | Function):
                raise self.unexpected()
            return Function(found[1], body)
        word = self.reserved()
        if word in ("then", "elif", "else", "fi", "do", "done", "esac", "in", "}"):
            raise self.unexpected()
        if not self._word_is("{", "if", "while", "until", "for", "case"):
            return None
        match word:
            case "{":
                commands = self.list_until("}")
                self._word_is("}")
                return Group(commands)
            case "if":
                return self._if()
            case "while" | "until":
                return Loop(self.list_until("do"), self._body(), word == "while")
            case "for":
                return self._for()
            case _:
                return self._case()

    def _if(self) -> If:
        branches = []
        while True:
            condition = self.list_until("then")
            self._expect("then")
            branches.append((condition, self.list_until("elif", "else", "fi")))
            if self._word_is("elif"):
                continue
            otherwise = self.list_until("fi") if self._word_is("else") else ()
            self._expect("fi")
            return If(tuple(branches), otherwise)

    def _body(self) -> tuple[AndOr, ...]:
        self._expect("do")
        commands = self.list_until("done")
        self._expect("done")
        return commands

    def _for(self) -> For:
        self.skip_blanks()
        found = self.matched(_NAME)
        if found is None:
            raise self.unexpected()
        self.skip_lines()
        words: list[Word] | None = None
        if self._word_is("in"):
            words = []
            self.skip_blanks()
            while word := self.word():
                words.append(word)
                self.skip_blanks()
        _ = self.take(";") or self.take("\n")
        return For(found[0], None if words is None else tuple(words), self._body())

    def _case(self) -> Case:
        word = self._wanted_word()
        self._expect("in")
        items = []
        self.skip_lines()
        while not self._word_is("esac"):
            self.take("(")
            patterns = [self._wanted_word()]
            self.skip_blanks()
            while self.take("|"):
                patterns.append(self._wanted_word())
                self.skip_blanks()
            if not self.take(")"):
                raise self.unexpected()
            self.skip_lines()
            empty = self.at(";;") or self.reserved() == "esac"
            items.append((tuple(patterns), () if empty else self.list_until(";;", "esac")))
            self.take(";;")
            self.skip_lines()
        return Case(word, tuple(items))

    def _wanted_word(self) -> Word:
        self.skip_blanks()
        word = self.word()
        if word is None:
            raise self.unexpected()
        return word

    def _simple(self, redirections: list[Redirection]) -> Simple:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        while True:
            self.skip_blanks()
            if self._redirection(redirections):
                continue
            if not words and (found := self.matched(_ASSIGNMENT)):
                assignments.append((found[0][:-1], self.word() or ()))
                continue
            word = self.word()
            if word is None:
                break
            words.append(word)
        if not (assignments or words or redirections):
            raise self.unexpected()
        return Simple(tuple(assignments), tuple(words))

    def _redirection(self, redirections: list[Redirection]) -> bool:
        found = self.matched(_REDIRECTION)
        if found is None:
            return False
        operator = found[2] or found[3]
        fd = int(found[1]) if found[1] else int(not operator.startswith("<"))
        self.skip_blanks()
        start = self.place
        word = self.word()
        if word is None:
            raise self.unexpected()
        if operator in ("<<", "<<-"):
            written = self.text[start : self.place]
            delimiter = re.sub(r"['\"\\]", "", written)
            document = Document(delimiter, operator == "<<-", delimiter == written)
            self.pending.append(document)
            redirections.append(Redirection(fd, "<<", document=document))
        elif operator in ("&>", "&>>"):
            redirections.append(Redirection(1, operator[1:], word))
            redirections.append(Redirection(2, ">&", (Text("1"),)))
        else:
            redirections.append(Redirection(fd, operator, word))
        return True
