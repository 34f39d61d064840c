"""Tests that the playground's page shows what happens, and that its store replies like Redis."""

import random
import re
from collections.abc import Iterator
from typing import Any

import answers
import playwright.sync_api as playwright
import pytest
from notebooks.schedules import comparable, on_a_server, schedule
from support import axe_violations, browser_running, client_of, most_thorough

from playground import build

#: Runs the steps of each schedule on the page's store, each at its own time. Returns the replies
#: and the final keys. A lease does not expire: only a step `delete` ends it.
ON_THE_PAGE = """(schedules) => {
const store = new Store(() => 1.7e12);
const scripts = new Scripts(store, {
  P: '""', POISON_PAUSE: "60.0", HISTORY_LENGTH: 20000, HISTORY_BYTES: 1e8,
  JOURNAL_LENGTH: 100000});
return schedules.map((steps) => {
  store.wipe();
  const answers = [];
  for (const {clock, name, words} of steps) {
    store.TIME = () => [String(Math.floor(clock / 1e6)), String(clock % 1e6)];
    if (name === "wipe") store.wipe();
    else if (name === "delete") store.DEL(...words);
    else {
      let answer;
      try { answer = scripts.run(name, ...words); }
      catch (error) { answer = "error"; }
      answers.push([name, answer]);
    }
  }
  const keys = {};
  for (const [key, {type, value}] of Object.entries(store.keys)) {
    if (type === "set") keys[key] = [...value].sort();
    else if (type === "zset") keys[key] = value.map(([score, member]) => [member, score]);
    else if (type === "stream") keys[key] = value.map(([, words]) =>
      words.filter((_, i) => i % 2 === 0).map((word, i) => [word, words[2 * i + 1]]));
    else keys[key] = value;
  }
  return {answers, keys};
})}"""
ONCE = 100


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[playwright.Page]:
    """Return a tab with the page. At the end, fail if the page had a script error or requested
    another file."""
    path = tmp_path_factory.mktemp("playground") / "index.html"
    path.write_text(build.page(used=tuple(build.scripts())), "utf-8")
    with browser_running() as browser:
        page = browser.new_page(locale="en")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: errors.append(request.url))
        page.goto(path.as_uri())
        yield page
        assert errors == [path.as_uri()]


@pytest.mark.parametrize("first", most_thorough(range(0, 300, ONCE), 0))
def test_random_schedules_end_in_the_same_keys_as_on_a_real_server(
    tab: playwright.Page, redis_url: str, first: int
) -> None:
    schedules = [schedule(seed) for seed in range(first, first + ONCE)]
    shown = tab.evaluate(ON_THE_PAGE, schedules)
    with client_of(redis_url) as client:
        for seed, (steps, seen) in enumerate(zip(schedules, shown, strict=True), first):
            real = comparable(on_a_server(client, steps))
            page = comparable(seen)
            assert page["answers"] == real["answers"], f"seed {seed}"
            assert page["keys"] == real["keys"], f"seed {seed}"


def after(tab: playwright.Page, rung: str, acts: str, ticks: int) -> dict[str, int]:
    """Start the rung, apply the acts, run the ticks, and return the page's sums.

    Args:
        acts: such as "five tick-3 kill-1": five comments, three ticks, a kill of worker 1.
    """
    return tab.evaluate(
        """([rung, acts, ticks]) => {
          play(false);
          begin(rung);
          page.language = "en";
          for (const one of acts.split(" ")) {
            const [what, number] = one.split("-");
            if (what === "tick") for (let i = 0; i < Number(number); i += 1) tick();
            else act(what, number && Number(number));
          }
          for (let i = 0; i < ticks; i += 1) tick();
          draw();
          return page.world.counts();
        }""",
        [rung, acts, ticks],
    )


#: No job is lost, an hour late, or mailed twice.
KEPT = (0, 0, 0)
#: For each fault and rung, the numbers of jobs that are lost, an hour late, and mailed twice.
FAULTS = {
    # a kill of a worker between the claim and the mail
    "five tick-3 kill-1": {"early": (1, 2, 0), "late": (0, 3, 0), "claims": KEPT, "outbox": KEPT},
    # a kill of the only worker, with six jobs (measured with Celery 5.7 and its default prefetch)
    "pause-2 five comment tick-5 kill-1": {"early": (1, 4, 0), "late": (0, 4, 0)},
    # a wipe of a full queue
    "five five tick-3 wipe": {
        "early": (4, 0, 0), "late": (4, 0, 0), "claims": (10, 0, 0), "outbox": KEPT,
    },
    # a lost reply to a claim, for each worker
    "cut-1 cut-2 five": {"early": (2, 0, 0), "late": (2, 0, 0), "claims": KEPT, "outbox": KEPT},
    # an hour with healthy workers
    "five tick-3 hour": dict.fromkeys(("early", "late", "claims", "outbox"), KEPT),
    # an hour after a kill
    "five tick-3 kill-1 tick-80 hour": {"late": KEPT},
    # a kill between the mail and the acknowledgement
    "five tick-8 kill-1": {"claims": (0, 0, 1)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("acts", "rung"), [(acts, rung) for acts, rungs in FAULTS.items() for rung in rungs]
)
def test_each_rung_loses_delays_or_keeps_what_its_page_claims(
    tab: playwright.Page, rung: str, acts: str
) -> None:
    seen = after(tab, rung, acts, 80)
    assert (seen["lost"], seen["late"], seen["twice"]) == FAULTS[acts][rung]
    assert seen["delivered"] == seen["comments"] - seen["lost"] - seen["late"]


def acts(seed: int) -> list[list[Any]]:
    """Return random acts of a visitor.

    Each is a pause after the act (in units of 3 ticks), the act, and a worker, which only some acts
    need.
    """
    chance = random.Random(seed)
    kinds = ["comment", "five", "kill", "pause", "cut", "hour", "wipe"]
    chosen = chance.choices(kinds, [5, 3, 4, 3, 3, 3, 1], k=chance.randrange(4, 12))
    return [[chance.randrange(6), what, chance.choice([1, 2])] for what in chosen]


#: Plays a visitor's acts. After each tick, compares the jobs in each list of the page's Redis with
#: the filled dots in its box. Returns for each tick true if they are equal, otherwise the lists and
#: the dots.
LISTS_AND_DOTS = """(acts) => {
  const {queue} = page.world;
  const sorted = (rows) => JSON.stringify(rows.map(([box, jobs]) => [box, jobs.sort()]));
  const look = () => {
    const waiting = [...queue.queued(), ...(queue.aside?.() ?? [])];
    const lists = {"#queue": waiting, "#worker1": [], "#worker2": []};
    for (const {job, number} of queue.held()) lists[`#worker${number}`].push(job);
    const dots = Object.keys(lists).map((box) => [box, [...document.querySelectorAll(`${box} .job`)]
      .filter((one) => !one.classList.contains("memory")).map((one) => one.textContent)]);
    return [sorted(Object.entries(lists)), sorted(dots)];
  };
  const looks = [];
  for (const [ticks, what, number] of acts) {
    act(what, ["kill", "pause", "cut"].includes(what) ? number : null);
    draw();
    for (let i = 0; i <= 3 * ticks; i += 1) { tick(); draw(); looks.push(look()); }
  }
  return looks.map(([lists, dots]) => lists === dots || [lists, dots]);
}"""


@pytest.mark.parametrize("rung", ["early", "late", "claims", "outbox"])
@pytest.mark.parametrize("seed", range(3))
def test_each_filled_dot_is_where_a_list_has_the_job(
    tab: playwright.Page, rung: str, seed: int
) -> None:
    after(tab, rung, "five", 0)
    looks = tab.evaluate(LISTS_AND_DOTS, acts(seed))
    assert len(looks) > 40
    assert [one for one in looks if one is not True] == []


def test_a_paused_worker_still_believes_that_it_has_a_job_that_others_took(
    tab: playwright.Page,
) -> None:
    after(tab, "claims", "comment tick-2 pause-1", 18)
    assert tab.locator("#worker1 .job").get_attribute("class") == "job memory"
    assert tab.locator("#worker2 .running").inner_text() == "1"
    assert "still believes" in tab.locator("#worker1 p").inner_text()


#: A part of the text next to the sum, for a rung, acts, and a number of ticks after the acts.
NEWS = {
    ("early", "five tick-3 kill-1", 0): "No list has job 1: it is lost.",
    ("late", "five tick-3 kill-1", 0): "nobody touches that note for an hour.",
    ("claims", "five tick-3 kill-1", 0): "After 3 silent seconds a living worker puts it back.",
    ("claims", "five tick-3 kill-1", 16): "Worker 2 put job 1 back at the head of the queue.",
    ("late", "five tick-3 wipe", 0): "What runs now is still in its worker's memory.",
    ("claims", "five tick-3 wipe", 0): "Then even running jobs send no mail.",
    ("outbox", "five tick-3 wipe", 0): "Only the outbox survives, and brings each job back.",
    ("late", "cut-1", 0): "Armed: when worker 1 takes its next job, Redis' answer will get lost.",
    ("late", "cut-1 comment", 1): "and noted nowhere: it is lost.",
    ("claims", "cut-1 comment", 1): "into the worker's list, where it will be found.",
}


@pytest.mark.parametrize(("scene", "news"), NEWS.items())
def test_the_result_of_an_action_is_shown_beside_the_sum(
    tab: playwright.Page, scene: tuple[str, str, int], news: str
) -> None:
    after(tab, *scene)
    assert news in tab.locator("#news").inner_text()


def test_a_link_is_handed_out_visibly_and_a_new_beginning_takes_it_back(
    tab: playwright.Page,
) -> None:
    after(tab, "late", "comment tick-2 kill-1", 0)
    tab.locator("#link").click()
    assert tab.url.endswith("#late;0.comment.;2.kill.1")
    assert "the last thing that was done" in tab.locator("#copied").inner_text()
    tab.locator("#again").click()
    assert "#" not in tab.url
    assert tab.locator("#copied").inner_text() == ""
    assert tab.locator("#news").inner_text().startswith("Late acknowledgement, from the beginning.")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_phone_shows_what_a_kill_did_without_scrolling(
    tab: playwright.Page, language: str
) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    after(tab, "early", "five tick-3", 0)
    tab.evaluate("(language) => { page.language = language; draw(); scrollTo(0, 0); }", language)
    tab.locator("#worker1 .kill").click()
    for shown in ("#more", "#sum .bad", "#news"):
        playwright.expect(tab.locator(shown)).to_be_in_viewport()


#: Shows each moment of the dots' moves. Returns the number of moves, and the dots that are then
#: above the middle of a button.
IN_THE_WAY = """() => {
  const moves = document.getAnimations(), dots = [];
  for (const one of moves) one.pause();
  for (let now = 0; now < 380; now += 20) {
    for (const one of moves) one.currentTime = now;
    for (const button of document.querySelectorAll("[data-act]")) {
      const {x, y, width, height} = button.getBoundingClientRect();
      const top = document.elementFromPoint(x + width / 2, y + height / 2);
      if (top?.matches(".job")) dots.push(top.className);
    }
  }
  for (const one of moves) one.finish();
  return [moves.length, dots];
}"""


def test_a_dot_that_moves_over_a_button_leaves_the_click_to_the_button(
    tab: playwright.Page,
) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    after(tab, "claims", "five tick-3", 0)
    after(tab, "early", "five tick-3 kill-1", 0)
    moves, dots = tab.evaluate(IN_THE_WAY)
    assert moves > 0
    assert dots == []


#: Kills the worker that runs the job, `deaths` times, each time before the mail is sent. Then runs
#: 20 ticks, enough for a rescue. Returns the number of lost jobs.
KILL_TIME_AFTER_TIME = """(deaths) => {
  for (let i = 0; deaths && i < 600; i += 1) {
    tick();
    const victim = page.world.workers.find(({run}) => run && page.world.now - run.began >= 1000);
    if (victim) { act("kill", victim.number); deaths -= 1; }
  }
  for (let i = 0; i < 20; i += 1) tick();
  draw();
  return page.world.counts().lost;
}"""


@pytest.mark.parametrize(("deaths", "news"), [(4, "waits for a minute"), (5, "is set aside")])
def test_a_job_that_many_workers_died_with_is_set_aside_and_not_lost(
    tab: playwright.Page, deaths: int, news: str
) -> None:
    after(tab, "claims", "comment", 0)
    assert tab.evaluate(KILL_TIME_AFTER_TIME, deaths) == 0
    assert tab.locator("#queue .held").inner_text() == "1"
    assert news in tab.locator("#news").inner_text()


def test_time_goes_back_as_it_came(tab: playwright.Page) -> None:
    tab.evaluate("() => { play(false); begin('claims'); act('five'); }")
    forth = [tab.evaluate("() => { tick(); return page.world.places(); }") for _ in range(30)]
    behind = [tab.evaluate("() => { back(); return page.world.places(); }") for _ in range(29)]
    assert behind == forth[-2::-1]


#: The schedules that the answer pages link to, each with the result in the link's text: lost, late
#: or twice.
REPLAYS = sorted(
    {
        (schedule, re.findall("lost|late|twice", text)[-1])
        for page in answers.BLOCKS
        for text, schedule in re.findall(
            r"\[([^]]+)\]\(../../playground#([^)]+)\)",
            (answers.PAGES / f"{page}.md").read_text("utf-8"),
        )
    }
)


@pytest.mark.parametrize(("schedule", "end"), REPLAYS)
def test_the_replay_of_an_answer_ends_as_its_link_says(
    tab: playwright.Page, schedule: str, end: str
) -> None:
    seen = tab.evaluate(
        "(hash) => { play(false); follow(hash); for (let i = 0; i < 40; i += 1) tick();"
        " return page.world.counts(); }",
        f"#{schedule}",
    )
    assert [what for what in ("lost", "late", "twice") if seen[what]] == [end]


def test_a_link_is_followed_in_an_open_page_too_and_after_ten_minutes(tab: playwright.Page) -> None:
    tab.goto(tab.url.partition("#")[0] + "#late;0.comment.;2000.kill.1")
    assert tab.evaluate("() => page.deeds") == [[0, "comment", ""], [2000, "kill", "1"]]
    tab.evaluate("() => history.replaceState(null, '', location.pathname)")


def test_a_page_that_plays_for_hours_keeps_a_bounded_past(tab: playwright.Page) -> None:
    after(tab, "early", "comment tick-1000 kill-1", 1000)
    assert tab.evaluate("() => page.past.length") == 400
    assert tab.evaluate("() => { back(); return link(); }") == "#early;0.comment.;1000.kill.1"


def test_a_foreign_link_is_not_a_program(tab: playwright.Page) -> None:
    odd = "#claims;1e9.five.1;0.__defineGetter__.1;0.kill.<b>;0.comment.%3B%"
    assert tab.evaluate("(hash) => { follow(hash); return page.world.comments; }", odd) == 1


def test_the_story_names_the_line_of_lua_that_moved_the_job(tab: playwright.Page) -> None:
    after(tab, "claims", "comment tick-2 kill-1", 20)
    lines = tab.locator("#story code").all_text_contents()
    assert any("_claims.lua" in line and "LMPOP" not in line for line in lines)
    assert any("LMOVE" in line for line in lines)
    assert all(re.search(r"redis\.p?call", line) for line in lines)


def test_keys_alone_kill_a_worker_and_a_screen_reader_hears_its_story(tab: playwright.Page) -> None:
    after(tab, "early", "comment tick-2", 0)
    tab.locator("#worker1 .kill").focus()
    tab.keyboard.press("Enter")
    assert "1 lost" in tab.locator("#sum").inner_text()
    tab.locator("#nowhere button").focus()
    tab.keyboard.press("Enter")
    assert "Worker 1 was killed" in tab.locator("#story").inner_text()
    assert tab.locator("#clock").get_attribute("aria-live") == "off", "it would talk all the time"
    snapshot = tab.locator("main").aria_snapshot()
    for part in (
        '- status: "Comments: 1, mailed: 0 · 1 lost"',
        '- heading "Nowhere" [level=2]',
        '- button "job 1, lost" [pressed]',
        '- heading "The story of job 1" [level=2]',
        "Worker 1 was killed, and its memory with it. No list has job 1: it is lost.",
    ):
        assert part in snapshot


def test_both_languages_say_the_same_things() -> None:
    words = build.words()
    assert list(words["en"]) == list(words["ja"])


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    tab: playwright.Page, language: str, scheme: str, width: int
) -> None:
    after(tab, "outbox", "five tick-3 kill-1", 2)
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 844})
    tab.evaluate("(language) => { page.language = language; draw(); }", language)
    assert axe_violations(tab) == []
    tab.wait_for_function("(width) => document.documentElement.scrollWidth <= width", arg=width)
