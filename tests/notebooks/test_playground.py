"""The playground: what its page shows happens, and its store answers as Redis does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files

import playwright.sync_api as playwright
import pytest
from generated import THREADS
from notebooks.schedules import comparable, on_a_server, schedule
from notebooks.stock import Kombu, acts
from support import browser_running, client_of, most_thorough

from playground import build

#: Runs schedules on the page's store: its clock is the schedule's, and no lease ends by itself.
ON_THE_PAGE = """(schedules) => schedules.map((steps) => {
  const store = new Store(() => 1.7e12);
  const scripts = new Scripts(store, {
    prefix: "", poison_pause: "60.0", history_length: 20000, journal_length: 100000});
  const answers = [];
  for (const {clock, name, words} of steps) {
    store.TIME = () => [String(Math.floor(clock / 1e6)), String(clock % 1e6)];
    if (name === "wipe") store.wipe();
    else if (name === "expire") store.DEL("worker:" + words[0]);
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
})"""
ONCE = 25
#: Plays a visitor's acts, and says each step that Celery's rung took, and its keys after each tick.
STEPS_OF_STOCK = """([rung, acts]) => {
  const world = new World(rung), {queue, store} = world, steps = [];
  const note = (...step) => steps.push(step);
  const after = (name, tell) => {
    const run = queue[name].bind(queue);
    queue[name] = (...given) => { const got = run(...given); tell(got, ...given); return got; };
  };
  after("put", (_, job) => note("put", 0, job));
  after("claim", (got, worker) => { if (got && worker.cut) note("lose", worker.number); });
  after("begun", (_, worker) => {
    note("take", worker.number, worker.run.job);
    if (rung === "early") note("ack", worker.number);
  });
  after("finish", (_, worker) => { if (rung === "late") note("ack", worker.number); });
  after("beat", (_, worker) => note("look", worker.number));
  for (const [ticks, what, number] of [...acts, [30, "hour", 1], [30, "comment", 1]]) {
    for (let i = 0; i < ticks; i += 1) world.tick();
    if (["kill", "wipe", "hour"].includes(what)) note(what, number);
    DEEDS[what](world, number);
    const index = store.ZRANGE("unacked_index", 0, -1);
    note("same", {celery: store.LRANGE("celery", 0, -1), unacked: index});
  }
  return steps;
}"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[playwright.Page]:
    """The page, opened from a folder; in the end no error was shown and nobody was asked."""
    path = tmp_path_factory.mktemp("playground") / "index.html"
    path.write_text(build.page(used=tuple(build.scripts())), "utf-8")
    with browser_running() as browser:
        page = browser.new_page(locale="en")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda asked: errors.append(asked.url))
        page.goto(path.as_uri())
        yield page
        assert errors == [path.as_uri()]


@pytest.mark.parametrize("first", most_thorough(range(0, 1000, ONCE), 0))
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


@pytest.mark.parametrize("rung", ["early", "late"])
@pytest.mark.parametrize("seed", most_thorough(range(10), 0))
def test_celerys_rungs_end_in_the_same_keys_as_the_real_kombu(
    tab: playwright.Page, redis_url: str, rung: str, seed: int
) -> None:
    steps = tab.evaluate(STEPS_OF_STOCK, [rung, acts(seed)])
    with client_of(redis_url) as client, closing(Kombu(client, redis_url)) as real:
        client.flushall()
        for what, *given in steps:
            if what == "same":
                assert real.keys() == given[0]
            else:
                real.play(what, *given)


def after(tab: playwright.Page, rung: str, acts: str, ticks: int) -> dict[str, int]:
    """What the page's sum says after these acts and so many ticks."""
    return tab.evaluate(
        """([rung, acts, ticks]) => {
          play(false);
          begin(rung);
          for (const one of acts.split(" ")) {
            const [what, number] = one.split("-");
            if (what === "tick") for (let i = 0; i < Number(number); i += 1) tick();
            else act(what, number && Number(number));
          }
          for (let i = 0; i < ticks; i += 1) tick();
          draw();
          return page.world.verdict();
        }""",
        [rung, acts, ticks],
    )


#: A worker is killed between taking a job and sending its mail; Redis is wiped over a full queue;
#: the answer to a claim is lost. How many of the jobs are lost, and how many an hour late.
FAULTS = {
    "five tick-3 kill-1": {"early": (1, 0), "late": (0, 1), "claims": (0, 0), "outbox": (0, 0)},
    "five tick-3 wipe": {"early": (3, 0), "late": (3, 0), "claims": (5, 0), "outbox": (0, 0)},
    "cut-1 cut-2 five": {"early": (2, 0), "late": (2, 0), "claims": (0, 0), "outbox": (0, 0)},
}


@pytest.mark.parametrize("acts", FAULTS)
@pytest.mark.parametrize("rung", ["early", "late", "claims", "outbox"])
def test_each_rung_loses_delays_or_keeps_what_it_is_said_to(
    tab: playwright.Page, rung: str, acts: str
) -> None:
    seen = after(tab, rung, acts, 80)
    assert (seen["lost"], seen["late"]) == FAULTS[acts][rung]
    assert seen["delivered"] == 5 - seen["lost"] - seen["late"]


def test_what_a_visibility_timeout_holds_comes_back_after_its_hour(tab: playwright.Page) -> None:
    assert after(tab, "late", "five tick-3 kill-1 tick-80 hour", 20)["delivered"] == 5


def test_a_mail_that_was_sent_before_the_kill_comes_twice_and_shows_once(
    tab: playwright.Page,
) -> None:
    seen = after(tab, "claims", "comment tick-8 kill-1", 60)
    assert (seen["delivered"], seen["twice"], seen["lost"]) == (1, 1, 0)


def test_time_goes_back_as_it_came(tab: playwright.Page) -> None:
    tab.evaluate("() => { play(false); begin('claims'); act('five'); }")
    forth = [tab.evaluate("() => { tick(); return page.world.places(); }") for _ in range(30)]
    behind = [tab.evaluate("() => { back(); return page.world.places(); }") for _ in range(29)]
    assert behind == forth[-2::-1]


def test_a_link_carries_what_was_done(tab: playwright.Page) -> None:
    after(tab, "late", "comment tick-2 kill-1", 0)
    seen = tab.evaluate(
        "() => { const hash = link(), before = page.world.places(); begin('early');"
        " follow(hash); return [hash, before, page.world.places()]; }"
    )
    assert seen[0] == "#late;0.comment.;2.kill.1"
    assert seen[1] == seen[2]


@pytest.mark.parametrize("thread", THREADS)
def test_the_replay_of_a_thread_ends_as_the_page_of_answers_says(
    tab: playwright.Page, thread: str
) -> None:
    _, schedule, end = THREADS[thread]
    seen = tab.evaluate(
        "(hash) => { play(false); follow(hash); for (let i = 0; i < 40; i += 1) tick();"
        " return page.world.verdict(); }",
        f"#{schedule}",
    )
    assert [what for what in ("lost", "late", "twice") if seen[what]] == [end]


def test_a_foreign_link_is_no_program(tab: playwright.Page) -> None:
    odd = "#claims;1e9.five.1;0.__defineGetter__.1;0.kill.<b>;0.comment.%3B%"
    assert tab.evaluate("(hash) => { follow(hash); return page.world.comments; }", odd) == 1


def test_the_story_names_the_line_of_lua_that_moved_the_job(tab: playwright.Page) -> None:
    after(tab, "claims", "comment tick-2 kill-1", 20)
    lines = tab.locator("#story code").all_inner_texts()
    assert any("_claims.lua" in line and "LMPOP" not in line for line in lines)
    assert any("LMOVE" in line for line in lines)
    assert all("redis.call" in line for line in lines)


def test_keys_alone_kill_a_worker_and_tell_its_story(tab: playwright.Page) -> None:
    tab.evaluate(
        "() => { play(false); begin('early'); act('comment'); tick(); tick();"
        " page.language = 'en'; draw(); }"
    )
    tab.locator("#worker1 .kill").focus()
    tab.keyboard.press("Enter")
    assert "1 lost" in tab.locator("#sum").inner_text()
    tab.locator("#nowhere button").focus()
    tab.keyboard.press("Enter")
    assert "Worker 1 was killed" in tab.locator("#story").inner_text()


def test_both_languages_say_the_same_things() -> None:
    words = build.words()
    assert list(words["en"]) == list(words["ja"])


def test_the_page_is_small_enough_for_a_phone() -> None:
    assert len(build.page().encode()) < 300_000


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    tab: playwright.Page, language: str, scheme: str, width: int
) -> None:
    after(tab, "outbox", "five tick-3 kill-1", 2)
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": 844})
    tab.evaluate("(language) => { page.language = language; draw(); }", language)
    tab.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    told = tab.evaluate("axe.run({resultTypes: ['violations']})")
    assert [(one["id"], one["nodes"][0]["html"]) for one in told["violations"]] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
