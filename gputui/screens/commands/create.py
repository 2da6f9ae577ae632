"""Create something: account, kind, form, question, call, and the view of the new row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from gputui.commands import Command, Condition
from gputui.formatting import kind_noun
from gputui.models import RESOURCES, Action, FieldKind, Form, FormField, Ref, Resource, Role
from gputui.presentation.forms import cost, doing, in_sentence, same_name, sizes, stock_note, written
from gputui.screens import dialogs
from gputui.screens.commands.command_set import CommandSet, colored, in_worker
from gputui.screens.commands.form_flow import LINE, FormRequest, fact, fill_and_send
from gputui.screens.commands.no_stock import offer_attempts

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from gputui.agent.wishes import Wish
    from gputui.api.capabilities import Creator, PreparedChange
    from gputui.errors import NoStockError
    from gputui.fleet.attempts import Attempt
    from gputui.models import Money
    from gputui.presentation.form_summary import SummaryLine
    from gputui.screens.commands.created_lease import CreatedLease

_ROOM = LINE - 4


class CreateCommands(CommandSet):
    """Create something in an account."""

    def conditions(self) -> Iterable[Condition]:
        """Something can be created where an account shown allows it."""
        if self.view.creatable():
            yield Condition.CREATE

    def refusal(self, command: Command) -> str:
        """Return why nothing is created, and the way out."""
        if command.action is not Action.CREATE:
            return ""
        return " ".join(self.view.feeds.denials()) or (
            f"{self.session.key_of(command.id)} is not available: no account shown allows it."
        )

    def do_new(self, argument: str) -> None:
        """Create something."""
        if accounts := self.accounts_for(argument, self.view.creatable(), "created"):
            self.create(accounts)

    def accounts_for(self, argument: str, able: list[str], what: str) -> list[str]:
        """Return the account that was named, or all that are able; shows why when the one that was named is not."""
        if argument and argument not in able:
            self.view.notify(f"Nothing can be {what} in {argument}.")
            return []
        return [argument] if argument else able

    @in_worker("dialog")
    async def create(
        self,
        accounts: Sequence[str],
        prefill: Mapping[Role, str] | None = None,
        within: Collection[Resource] | None = None,
    ) -> None:
        """Create something ``within`` these lists, with a form that begins with ``prefill``."""
        fleet = self.session.fleet
        account = (
            accounts[0]
            if len(accounts) == 1
            else await self._chosen_of("Create in", {one: one for one in accounts}, self.session.account_style)
        )
        if account is None:
            return
        kinds = fleet.creatable(account, within or self.view.CREATES)
        nouns = {kind: kind_noun(kind) for kind in kinds}
        kind = kinds[0] if len(kinds) == 1 else await self._chosen_of(f"Create in {account}", nouns, account=account)
        if kind is None:
            return
        creator = fleet.creator(account, kind)
        if fleet.supports(account, Resource.STOCK):
            # By the time the form is filled in it is known how much of what it asks for is idle.
            fleet.refresh([Resource.STOCK], [account])
        form = await creator.form()
        sent = await fill_and_send(self.view, self._request(creator, form), form.named(prefill or {}))
        if sent is None:
            return
        self.app.notify(sent.result.message, markup=False, timeout=6)
        if sent.result.to_note:
            await self._have_noted(form, sent.change.values, sent.result.to_note)
        # A user who does something else meanwhile is not moved away from it.
        if sent.stayed:
            created = sent.result.created or sent.change.ref
            view = RESOURCES[fleet.resource_of(created)].view
            self.session.navigator.go(view, scope=self.scope_for(created), select=created)

    def scope_for(self, created: Ref) -> Ref | None:
        """Return the scope in which the view shows the created row; None for everything."""
        return None

    def _request(self, creator: Creator, form: Form) -> FormRequest:
        """Return what is done with the form of something new."""
        from gputui.screens.commands.created_lease import CreatedLease
        from gputui.screens.commands.form_stock import FormStock

        verb, stock, lease = form.verb.capitalize(), FormStock(self.session, form), CreatedLease(self.view, form)
        return FormRequest(
            stock.described(),
            prepare=creator.prepare,
            question=lambda given: lease.question(
                given,
                f"{verb} this {kind_noun(form.kind)} in {form.account}?",
                summary(form, given),
                self._effects_of_create(form, given, stock.shown),
                verb,
            ),
            send=lease.send,
            previews=creator.previews,
            templates=True,
            progress=f"{doing(form)} in {form.account} …",
            no_stock=lambda change, error: self._keep_trying(form, change, error, lease),
            summary=stock.summary,
            described=stock.described,
            polled=stock.polled,
        )

    async def _keep_trying(
        self, form: Form, change: PreparedChange, error: NoStockError, lease: CreatedLease
    ) -> None:
        """Offer to try the create again while there is no stock."""
        if lease.terms is not None:
            key = self.session.key_of("lease")
            self.view.notify(f"Attempts set no lease: {key} sets one once it is created.", severity="warning")
        attempts, values = self.session.fleet.work.attempts, dict(change.values)
        name = form.value(Role.NAME, values) or change.ref.id

        def begin(until: datetime, limit: Money | None) -> Attempt:
            return attempts.create(form.account, form.kind, name, values, until=until, limit=limit)

        def wish(until: datetime, ceiling: Decimal) -> Wish:
            from gputui.agent.wishes import Wish as NewWish

            given = {key: value for key, value in values.items() if value}
            return NewWish(
                accounts=(form.account,),
                grab=form.kind,
                values=given,
                ceiling=ceiling,
                expires=until,
                unpriced=True,
            )

        await offer_attempts(self.view, f"{kind_noun(form.kind)} {name}", error, form.account, begin, wish)

    async def _have_noted(self, form: Form, values: Mapping[str, str], note: str) -> None:
        """Show a note that comes once, and copy the secret that it is about if that is wanted."""
        secret = next((values.get(field.name, "") for field in form.fields if field.kind is FieldKind.SECRET), "")
        dialog = dialogs.ConfirmDialog(
            f"The {kind_noun(form.kind)} was created. Please note:",
            effects=[note],
            confirm="Copy the password",
            cancel="Close",
        )
        if await self.app.push_screen_wait(dialog):
            self.app.copy_to_clipboard(secret)
            self.app.notify("The password is on the clipboard.", markup=False, timeout=5)

    async def _chosen_of(
        self, heading: str, names: Mapping[str, str], style: Callable[[str], str] = lambda one: "", account: str = ""
    ) -> str | None:
        choices = [
            dialogs.Choice(one, name, str(number), style=style(one))
            for number, (one, name) in enumerate(names.items(), 1)
        ]
        return await self.app.push_screen_wait(colored(self.session, dialogs.MenuDialog(heading, choices), [account]))

    def _effects_of_create(self, form: Form, values: Mapping[str, str], shown: Sequence[SummaryLine]) -> list[str]:
        """Return what is said of a create: the most that it costs, or where the form has no limit the price now."""
        fleet = self.session.fleet
        home = fleet.resource_of(Ref(form.account, form.kind, ""))
        offers = [offer for offer in fleet.rows(Resource.STOCK).values() if not fleet.is_stale(offer.ref)]
        said = [
            *sizes(form, values),
            *([most] if (most := cost(form, values)) else [_price_now(shown), form.note]),
            stock_note(form, values, offers),
            *(line.note for line in shown if line.label == "Price"),
            same_name(form, values, fleet.rows(home).values()),
        ]
        return [line for line in said if line]


def _price_now(shown: Sequence[SummaryLine]) -> str:
    text = next((line.text for line in shown if line.label == "Price"), "")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def summary(form: Form, values: Mapping[str, str]) -> list[Content]:
    """Return what was filled in: a line a field, or where the form has sections a line a section or several."""
    given = [field for field in form.fields if values.get(field.name) and field.kind is not FieldKind.SECRET]
    headings = [field.section for field in form.fields if field.section]
    if not headings:
        return [fact(field.label, [(written(field, values[field.name]), "bold")], 12) for field in given]
    width = max(map(cell_len, headings))
    lines: list[Content] = []
    heading, parts, room = "", list[tuple[str, str]](), 0
    for field in form.fields:
        if field.section:
            lines += [fact(heading, parts, width)] if parts else []
            heading, parts, room = field.section, [], _ROOM - width
        label, value = _said(form, field, values) if field in given else ("", "")
        if not label:
            continue
        taken = cell_len(label) + cell_len(value) + 4
        if parts and taken > room:
            lines.append(fact(heading, parts, width))
            heading, parts, room = "", [], _ROOM - width
        room -= taken
        parts += [("   " if parts else "", ""), (f"{label} ", "$muted"), (value, "bold")]
    return [*lines, fact(heading, parts, width)] if parts else lines


def _said(form: Form, field: FormField, values: Mapping[str, str]) -> tuple[str, str]:
    """Return label and value of a field; both ends of a range at the first of them, nothing at the second."""
    stem, _, end = field.label.rpartition(" ")
    ends = {"from": f"{stem} to", "to": f"{stem} from"}
    other = next((each for each in form.fields if end in ends and each.label == ends[end]), None)
    label = in_sentence(field.label)
    if other is None or not values.get(other.name):
        return label, written(field, values[field.name])
    if end == "to":
        return "", ""
    low = values[field.name]
    return label.removesuffix(" from"), f"{low}–{written(other, values[other.name])}"
