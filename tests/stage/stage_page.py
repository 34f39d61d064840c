"""Read the stage's page as somebody without JavaScript sees it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import httpx

from demo_app.stage.show import steps

if TYPE_CHECKING:
    from playwright.sync_api import Page


def press(web: httpx.Client, act: str) -> None:
    """What a key of the stage does."""
    answer = web.post(f"/stage/do/{act}", headers={"accept": "*/*"})
    assert answer.status_code == 204, answer.text


def tell_step(page: Page, command: str, language: str) -> None:
    """Let a show's page say the step with this command of Redis, as it does when it gets there."""
    (step,) = (one for one in steps("four-minutes", language) if command in one["command"])
    tell(page, step)


def tell(page: Page, step: dict[str, Any]) -> None:
    """Let a show's page say this step."""
    page.evaluate("async step => (await import('/static/captions.js')).tell(step)", step)


class StagePage:
    """The page of this moment or, in a replay, of the one `at` (epoch seconds)."""

    def __init__(self, web: httpx.Client, at: float | None = None) -> None:
        wanted = {} if at is None else {"at": str(at)}
        self.text = html.unescape(web.get("/stage", params=wanted).raise_for_status().text)

    @property
    def killed(self) -> list[str]:
        """The ids of the workers that show as killed."""
        return re.findall(r'class="box off[^"]*" id="box-([^"]+)"', self.text)

    @property
    def workers(self) -> list[str]:
        """The ids of the workers that have a box."""
        return re.findall(r'id="box-([^"]+)"', self.text)

    @property
    def held(self) -> dict[str, int]:
        """How many jobs each living worker's box says that it has."""
        found = re.findall(r'id="box-([^"]+)">\s*<p><b>\d+</b>\s*<span>(\d+)/', self.text)
        return {worker: int(jobs) for worker, jobs in found}

    @property
    def sums(self) -> dict[str, int]:
        """The big numbers, by name."""
        found = re.findall(r'data-sum="(\w+)">([\d,]+)<', self.text)
        return {name: int(number.replace(",", "")) for name, number in found}

    @property
    def in_words(self) -> str:
        """The sentences below the picture."""
        output = self._between('id="in-words" role="status">', "</p>")
        return re.sub("<[^>]*>", "", output)

    @property
    def tomb(self) -> str:
        """What is said of the last killed worker."""
        return self._between('id="tomb">', "</p>")

    def floor(self, name: str) -> list[int]:
        """The numbers of the tokens on a floor, in their order."""
        floor = self._between(f'data-floor="{name}"', "</div>")
        return [int(number) for number in re.findall(r'id="token-[^"]+">(\d+)<', floor)]

    def pressed(self, action: str) -> bool:
        """Whether the button of something that can be on or off says that it is on."""
        return f'data-action="{action}"' in self.text and 'aria-pressed="true"' in self._between(
            f'data-action="{action}"', ">"
        )

    def _between(self, start: str, end: str) -> str:
        return self.text.partition(start)[2].partition(end)[0]
