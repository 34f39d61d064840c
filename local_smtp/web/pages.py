"""The pages of the inbox: the list of mails, a mail, and the faults."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from starlette.datastructures import Headers

from local_smtp.bounds import TEXT_CHARACTERS
from local_smtp.fault_rules import EFFECTS, KNOWN_AT, Fault
from local_smtp.models import ParsedMail
from local_smtp.shared.escape import escape_invisible
from local_smtp.shared.headers import link_to_app
from local_smtp.shared.language import language_of, translations
from local_smtp.web.api import OptionalId, Search
from local_smtp.web.inbox import Inbox

if TYPE_CHECKING:
    from jinja2 import Environment

_LIMIT = 50  # mails in a list


def visible(value: Any) -> Any:
    """Return text with its invisible characters shown, "" for None, any other value unchanged."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape_invisible(value.replace("\r", ""))
    return "" if value is None else value


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader  # imported late: most sinks never show a page

    templates = Environment(
        loader=PackageLoader("local_smtp.web", "page"),
        autoescape=True,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # formats a time (epoch seconds) in this machine's time zone
    templates.filters["clock"] = lambda at, form: datetime.fromtimestamp(at).strftime(form)
    return templates


def page_routes(inbox: Inbox, app_url: str) -> APIRouter:
    """Return the routes of the pages.

    Args:
        app_url: the URL of the app that sends the mails; "" for no link to it.
    """
    routes = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def page(name: str, request: Request, **shown: Any) -> str:
        stats, rules = inbox.reader.stats(), inbox.faults.in_force()
        app = link_to_app(request.headers, app_url)
        return render(name, request.headers, stats=stats, rules=rules, app=app, **shown)

    @routes.get("/")
    def mails(
        request: Request,
        search: Search = "",
        cursor: OptionalId = None,
        mail: OptionalId = None,
        tab: Annotated[str, Query(max_length=20)] = "",
    ) -> str:
        if mail is not None:
            return page("mail.html", request, **_sides(inbox, inbox.mail(mail), tab))
        found = inbox.reader.page(search, _LIMIT, cursor)
        return page("list.html", request, found=found, words=search)

    @routes.get("/faults")
    def faults(request: Request) -> str:
        effects = {name: effect.words for name, effect in EFFECTS.items()}
        return page(
            "faults.html", request, effects=effects, steps=KNOWN_AT, usual=Fault.model_fields
        )

    return routes


def _sides(inbox: Inbox, mail: ParsedMail, tab: str) -> dict[str, Any]:
    """Return the values for the template of a mail's page."""
    sides = {"html": mail.has_html, "text": mail.text is not None}
    tabs = [name for name, exists in sides.items() if exists]
    tabs += ["headers", "source", "deliveries"]
    if tab not in tabs:
        tab = "source" if tabs[0] == "headers" else tabs[0]
    raw = inbox.raw(mail.id)[:TEXT_CHARACTERS] if tab == "source" else b""
    cut = {"text": len(mail.text or "") == TEXT_CHARACTERS, "source": mail.size > TEXT_CHARACTERS}
    source = raw.decode("utf-8", "replace")
    return {"mail": mail, "tabs": tabs, "tab": tab, "source": source, "cut": cut.get(tab)}


def render(name: str, headers: Headers, **shown: Any) -> str:
    language = language_of(headers)
    words = translations(language, "local_smtp.web")

    def many(count: int, one: str) -> str:
        if language == "ja":
            return f"{count:,} {words(one)}"
        return f"{count:,} {one}{'' if count == 1 else 's'}"

    about = {"language": language, "_": words, "many": many}
    return _templates().get_template(name).render(about | shown)
