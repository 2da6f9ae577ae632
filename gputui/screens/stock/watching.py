"""The key that watches: the questions of a new rule at an offer, from the first line to the saved file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.errors import GputuiError, InvalidError
from gputui.formatting import counted, format_money, parse_span
from gputui.models import REQUIRED, Offer
from gputui.models.rules import Quiet, Watch
from gputui.own_name import own_name
from gputui.presentation.offers import idle_words, where
from gputui.screens import dialogs
from gputui.screens.dialogs.dialog import key_of
from gputui.screens.dialogs.watch import HERE, LABELS_OF_PARTS, WrongLinesError

if TYPE_CHECKING:
    from gputui.agent.new_rules import Made
    from gputui.agent.wishes import Wish
    from gputui.rules.book import RuleBook
    from gputui.screens.base.session import Session
    from gputui.screens.dialogs.watch import Texts
    from gputui.screens.stock.view import StockView

_SHOWN = 8


async def ask_for_rule(view: StockView, offer: Offer) -> bool:
    """Ask for a rule about an offer, and save it; returns whether this program alone is to notify."""
    kinds = view.session.fleet.creatable(offer.ref.account, view.CREATES)
    needs: dict[str, str] = {}
    # Their forms are asked for while the first lines are filled in.
    asking = view.run_worker(_ask_for_needs(view.session, offer, kinds, needs), group="needs", exit_on_error=False)
    try:
        return await _ask_for_rule(view, offer, kinds, needs)
    finally:
        asking.cancel()


async def _ask_for_rule(view: StockView, offer: Offer, kinds: Sequence[str], needs: Mapping[str, str]) -> bool:
    """Ask for a rule. ``needs``: why kinds cannot be created from an offer alone, as far as that is known by now."""
    from gputui.agent.new_rules import make_rule
    from gputui.config import templates

    session = view.session
    currency = getattr(session.fleet.runtime(offer.ref.account).config, "currency", "") or "USD"
    texts: Texts = {"count": str(min((offer.idle or 0) + 1, offer.total or 1)) if offer.idle is not None else "1"}
    saved = templates.names()
    grabs = [*saved, *kinds]
    none = f"none, {key_of(view.app, 'form.save')} in a form saves one"
    choices = f"kinds: {', '.join(kinds) or 'none'}; templates: {', '.join(saved) or none}"
    problem = ""
    while True:
        dialog = dialogs.WatchDialog(
            f"Watch {offer.gpu_model} in {where(offer)}",
            subjects=[Content(f"{idle_words(offer)} now. The agent waits for it, even while no terminal is open.")],
            read=lambda given: wish_of(given, offer, session.fleet.now(), grabs, needs),
            effects=lambda wish: effects_of(wish, offer),
            grabs=grabs,
            choices=choices,
            currency=currency,
            present=texts,
            problem=problem,
            here="This program only" if offer.ref not in session.stock_notifications.refs else "",
        )
        answer = await view.app.push_screen_wait(dialog)
        if answer is None or isinstance(answer, str):
            return answer == HERE
        wish, texts = answer
        try:
            id_ = session.rules.book().files.new_id()
            made = await make_rule(session.fleet, wish, id_=id_, scope=session.rules.scope, user=own_name())
        except GputuiError as error:
            problem = str(error)
            kind = wish.grab if wish.grab in kinds else templates.read(wish.grab)[0] if wish.grab in saved else ""
            if isinstance(error, InvalidError) and kind in kinds:
                problem = await _labelled(session, offer.ref.account, kind, error)
            continue
        if made.watch.grab is not None and not await _confirmed(view, made):
            problem = ""
            continue
        await session.rules.edit(session.agent, partial(_save, made.watch))
        view.notify(f"Rule {made.watch.id} created: :rules lists it.", severity="information")
        return False


async def _ask_for_needs(session: Session, offer: Offer, kinds: Iterable[str], needs: dict[str, str]) -> None:
    """Note which kinds need more than a rule gives, and the way out. Other refusals are those of a whole rule."""
    from gputui.agent.new_rules import make_rule
    from gputui.agent.wishes import Wish

    place = Wish(models=(offer.gpu_model,), accounts=(offer.ref.account,), regions=(offer.region,))
    for kind in kinds:
        wish = replace(place, grab=kind, ceiling=Decimal(1))
        with suppress(GputuiError):
            id_ = session.rules.book().files.new_id()
            try:
                await make_rule(session.fleet, wish, id_=id_, scope=session.rules.scope, user=own_name())
            except InvalidError as error:
                if REQUIRED in error.fields.values():
                    needs[kind] = await _labelled(session, offer.ref.account, kind, error)


async def _labelled(session: Session, account: str, kind: str, error: InvalidError) -> str:
    """Return a refusal of a create and the way out, with the labels of its form in place of the names of the API."""
    out = f"Fill in the form ({session.key_of('new')} in Stock), save it as a template, and name that here."
    if not error.fields:
        return f"{error} {out}"
    labels = {field.name: field.label for field in (await session.fleet.creator(account, kind).form()).fields}
    needed = [labels.get(name, name) for name, problem in error.fields.items() if problem == REQUIRED]
    wrong = [f"{labels.get(name, name)} {text}." for name, text in error.fields.items() if text != REQUIRED]
    return " ".join([*([f"A new {kind} in {account} needs {', '.join(needed)}."] if needed else []), *wrong, out])


def _save(watch: Watch, book: RuleBook) -> Watch:
    return book.files.save(watch)


async def _confirmed(view: StockView, made: Made) -> bool:
    """Ask once before something may be created without another question."""
    from gputui.rules.market import in_few_words
    from gputui.rules.orders import in_words

    grab = made.watch.grab
    assert grab is not None  # noqa: S101  (of grabs alone)
    shown = [
        f"{one.candidate.account}   {', '.join(one.candidate.regions)}   {', '.join(one.candidate.models)}"
        f"   at most {in_words(one.most)}"
        for one in made.previews
    ]
    more = len(shown) - _SHOWN
    subjects = [Content(line) for line in shown[:_SHOWN]]
    subjects += [Content(f"and {counted(more, 'more candidate')}")] if more > 0 else []
    words = in_few_words(made.watch)
    effects = [f"{words[:1].upper()}{words[1:]}. No question is asked then."]
    for name, budget in (("the whole rule", grab.budget), ("any 24 hours", grab.budget_day)):
        if budget is not None:
            effects.append(f"At most {format_money(budget)} for {name}, each for {grab.hours:f} h.")
    question = dialogs.ConfirmDialog(
        "Let the agent create this as soon as GPUs are idle?",
        subjects=subjects,
        effects=[*effects, *made.notes],
        confirm="Watch",
    )
    confirmed = await view.app.push_screen_wait(question)
    return bool(confirmed)


def effects_of(wish: Wish, offer: Offer) -> list[str]:
    """Return what a rule does, in a line or two."""
    place = where(offer) if wish.accounts else "one of the places that have it"
    verb = "is" if wish.count == 1 else "are"
    count = f"at least {wish.count:,} {offer.gpu_model} {verb} idle in {place}"
    if not wish.grab:
        return [f"Notifies each time {count}, in the ways set in [notify], until it ends or is deleted (:rules)."]
    lines = [f"Creates {wish.number:,} × {wish.grab} once {count}: the cheapest first, and each exactly once."]
    if wish.budget is not None or wish.budget_day is not None:
        lines.append(f"Each counts as {wish.hours:f} h of its price against the budget.")
    return lines


def wish_of(
    texts: Texts, offer: Offer, now: datetime, grabs: Collection[str], needs: Mapping[str, str] = MappingProxyType({})
) -> Wish:
    """Return the wish that the lines of the dialog mean.

    ``grabs`` are the names that can be created, ``needs`` why some of them cannot from this offer alone. Raises
    WrongLinesError with all that are wrong.
    """
    from gputui.agent.wishes import Wish

    lines = _Lines(texts)
    everywhere = texts.get("everywhere") == "true"
    grab = texts.get("grab", "")
    count = lines.number("count") or 1
    if offer.total is not None and count > offer.total and not everywhere:
        lines.wrong["count"] = f"there are {offer.total} in {where(offer)}."
    wish = Wish(
        models=(offer.gpu_model,),
        accounts=() if everywhere else (offer.ref.account,),
        regions=() if everywhere else (offer.region,),
        count=count,
        price=lines.amount("price"),
        expires=lines.end(now),
        quiet=lines.quiet(),
        note=texts.get("note", ""),
        labels=LABELS_OF_PARTS,
    )
    if grab and grab not in grabs:
        lines.wrong["grab"] = "no such kind or template."
    elif grab in needs and not everywhere:
        lines.wrong["grab"] = needs[grab]
    elif grab:
        ceiling = lines.amount("ceiling")
        if ceiling is None:
            lines.wrong.setdefault("ceiling", "required, the most that an hour of one instance may cost.")
        wish = replace(
            wish,
            grab=grab,
            number=lines.number("number") or 1,
            ceiling=ceiling,
            hours=lines.amount("hours") or Decimal(1),
            budget=lines.amount("budget"),
            budget_day=lines.amount("budget_day"),
            unpriced=texts.get("unpriced") == "true",
            lease=texts.get("lease") == "true",
        )
    if lines.wrong:
        raise WrongLinesError(lines.wrong)
    return wish


class _Lines:
    """Reads the lines; those that are wrong are None, and the reason is in ``wrong``."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.wrong: dict[str, str] = {}

    def number(self, name: str) -> int | None:
        text = self._texts.get(name, "")
        if not text:
            return None
        if text.isascii() and text.isdecimal() and 0 < int(text) < 10**6:
            return int(text)
        self.wrong[name] = "must be a whole number, 1 or more."
        return None

    def amount(self, name: str) -> Decimal | None:
        text = self._texts.get(name, "")
        if not text:
            return None
        try:
            found = Decimal(text)
        except InvalidOperation:
            found = Decimal(0)
        if found.is_finite() and 0 < found < 10**9:
            return found
        self.wrong[name] = "must be above 0, such as 1.50."
        return None

    def end(self, now: datetime) -> datetime | None:
        text = self._texts.get("expires", "")
        if not text:
            return None
        try:
            return now + timedelta(minutes=parse_span(text))
        except ValueError:
            self.wrong["expires"] = "must be a time such as 90m, 6h or 7d."
            return None

    def quiet(self) -> Quiet | None:
        text = self._texts.get("quiet", "")
        try:
            return Quiet.parse(text) if text else None
        except ValueError:
            self.wrong["quiet"] = "must be two times such as 22:00-07:00."
            return None
