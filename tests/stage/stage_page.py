"""Helpers that press a key of the stage, show a caption, and read the page's HTML."""

import html
import re
from typing import TYPE_CHECKING, Any

import httpx

from demo_app.stage.show import steps

if TYPE_CHECKING:
    from playwright.sync_api import Page


def press(web: httpx.Client, act: str) -> None:
    answer = web.post(f"/stage/do/{act}", headers={"accept": "*/*"})
    assert answer.status_code == 204, answer.text


def show_caption_of(page: "Page", command: str, language: str) -> None:
    """Show the caption of the four-minute show's step whose Redis command contains `command`."""
    (step,) = (one for one in steps("four-minutes", language) if command in one["command"])
    show_caption(page, step)


def show_caption(page: "Page", step: dict[str, Any]) -> None:
    page.evaluate("async step => (await import('/static/captions.js')).showCaption(step)", step)


class StagePage:
    """The stage's page, requested once when the object is created.

    Args:
        at: the moment to replay (epoch seconds), or None for the present.
    """

    def __init__(self, web: httpx.Client, at: float | None = None) -> None:
        params = {} if at is None else {"at": str(at)}
        self.text = html.unescape(web.get("/stage", params=params).raise_for_status().text)

    @property
    def killed(self) -> list[str]:
        return re.findall(r'class="box off[^"]*" id="box-([^"]+)"', self.text)

    @property
    def workers(self) -> list[str]:
        return re.findall(r'id="box-([^"]+)"', self.text)

    @property
    def held(self) -> dict[str, int]:
        """Return the number of jobs that the box of each living worker shows."""
        found = re.findall(r'id="box-([^"]+)">\s*<p><b>\d+</b>\s*<span>(\d+)/', self.text)
        return {worker: int(jobs) for worker, jobs in found}

    @property
    def sums(self) -> dict[str, int]:
        found = re.findall(r'data-sum="(\w+)">([\d,]+)<', self.text)
        return {name: int(number.replace(",", "")) for name, number in found}

    @property
    def in_words(self) -> str:
        output = self._between('id="in-words" role="status">', "</p>")
        return re.sub("<[^>]*>", "", output)

    @property
    def tomb(self) -> str:
        return self._between('id="tomb">', "</p>")

    def floor(self, name: str) -> list[int]:
        """Return the numbers of a floor's tokens, in their order."""
        floor = self._between(f'data-floor="{name}"', "</div>")
        return [int(number) for number in re.findall(r'id="token-[^"]+">(\d+)<', floor)]

    def pressed(self, action: str) -> bool:
        return 'aria-pressed="true"' in self._between(f'data-action="{action}"', ">")

    def _between(self, start: str, end: str) -> str:
        return self.text.partition(start)[2].partition(end)[0]
