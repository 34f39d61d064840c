"""Tests that a kernel leaves no processes, and that a learner's error prints one sentence."""

from collections.abc import Iterator

import pytest
from notebooks.kernels import NOTEBOOKS, Kernel, kernel
from support import until


@pytest.fixture(scope="module")
def shared() -> Iterator[Kernel]:
    """Return a kernel with the lessons' startup file, for tests that do not kill or restart it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONSTARTUP", str(NOTEBOOKS / "jupyter" / "startup.py"))
        with kernel() as here:
            yield here


@pytest.fixture
def here(shared: Kernel) -> Iterator[Kernel]:
    """Return the shared kernel. After the test, close `lab`, and delete `lab` and `Lab` in it."""
    yield shared
    shared.run("if 'lab' in globals(): lab.close()\n%reset_selective -f [Ll]ab")
    until(lambda: not shared.processes(), what="the end of every process")


def test_a_second_lab_ends_the_first_unless_it_runs_in_the_background(here: Kernel) -> None:
    here.run("from lab import Lab\nlab = Lab(workers=0)")
    (first,) = here.stacks()
    here.run("beside = Lab(background=True, workers=0)")
    assert len(here.stacks()) == 2
    here.run("beside.close()\nlab.post(1)")
    assert here.stacks() == {first}
    here.run("from demo_app.tasks import notify_author\nnotify_author.enqueue(1)")
    here.run('lab.until(lambda: lab.client.summary()["enqueued"] == 2)')
    here.run("lab = Lab(workers=0)")
    (second,) = here.stacks()
    assert first != second
    here.run("import os\nassert 'DEMO_REDIS_URL' in os.environ")
    here.run("lab.close()\nlab.close()")
    here.run("assert not [name for name in os.environ if name.startswith('DEMO_')]")
    assert not here.processes()
    output, reply = here.try_to_run("lab.post(1)")
    assert reply["ename"] == "LabError"
    assert "Run the cell that starts it" in reply["evalue"]
    assert output == []


@pytest.mark.thorough
def test_a_system_ends_with_its_kernel_which_is_restarted_or_killed() -> None:
    """The restart comes while the system starts, and the kill when its web app has accepted
    comments, whose database stays."""
    with kernel() as here:
        here.run("from lab import Lab")
        here.client.execute("lab = Lab()")
        until(lambda: here.processes(), 30.0, "the first process of the lab")
        here.manager.restart_kernel()
        here.client.wait_for_ready(timeout=60)
        until(lambda: not here.processes(), 30.0, "the end of every process")
        assert not list(here.tmp.glob("**/*.sock")), "a socket is left"
        here.run("from lab import Lab\nlab = Lab(workers=0)\nlab.post(3)")
        assert len(here.processes()) >= 4
        here.manager.signal_kernel(9)
        until(lambda: not here.processes(), 20.0, "the end of every process")
        assert list(here.tmp.glob("demo-*/blog.sqlite3"))


#: Cells that fail, each with the hint that the learner sees instead of a traceback.
HINTS = {
    "lab = Lab()": "'Lab' is not defined yet. Run the cells above first, from the top.",
    'answer = LPUSH\ncheck("3.3", answer)': "'LPUSH' is not defined yet. "
    "Run the cells above first, from the top. A word of an answer needs quotes.",
    'answer = {"always"\ncheck("3.1", answer)': "Python can't read line 1: '{' was never closed. "
    'Is a bracket, quote or comma missing?\nanswer = {"always"',
    'answer = (1,\n  {["no"]})\ncheck("3.1", answer)': "Line 2 of this cell ends with an error, "
    "TypeError: unhashable type: 'list'",
    'import json\nanswer = json.loads("no")\ncheck("3.1", answer)': "Line 2 of this cell ends with "
    "an error, JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
    "import _thread, time\n_thread.interrupt_main()\ntime.sleep(30)": "Stopped. "
    "You can run the cell again.",
}


@pytest.mark.parametrize("cell", HINTS)
def test_an_error_of_a_learner_is_one_sentence(here: Kernel, cell: str) -> None:
    (hint,), reply = here.try_to_run(cell)
    assert reply["status"] == "error"
    assert hint["text"] == f"{HINTS[cell]}\n"
    assert not reply["traceback"]


def test_any_other_error_shows_where_it_came_from(here: Kernel) -> None:
    for cell in ('import json\njson.loads("no")', 'exec("1 +")', "def f(): n += 1\nf()"):
        output, reply = here.try_to_run(cell)
        assert output == []
        assert reply["traceback"]


def test_a_long_wait_is_visible_and_says_what_is_going_on(here: Kernel) -> None:
    here.run(
        "from lab import Lab, progress\nprogress._LONG = 2.0\nlab = Lab(workers=0)\nlab.post(1)"
    )
    output, reply = here.try_to_run('lab.until(lambda: False, "the impossible", 3.5)')
    assert reply["ename"] == "LabError"
    assert "no sign of the impossible" in reply["evalue"]
    assert "1 queued" in reply["evalue"]
    assert "lab.start() starts the workers" in reply["evalue"]
    (progress,) = output
    assert progress["data"]["text/plain"] == "", "it is gone in the end"


def test_predictions_are_asked_for_until_they_are_answered_and_listed(here: Kernel) -> None:
    answers = iter(["plenty", "nan", "inf", "38", "7", "B)"])
    reply = here.client.execute_interactive(
        "from lab import predict, predictions\n"
        "predict('How many?', 40, 'mails').against(40)\n"
        "predict('Where?', 'here', choices=('here', 'there', 'nowhere')).against('there')",
        allow_stdin=True,
        stdin_hook=lambda _: here.client.input(next(answers)),
        timeout=60,
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    assert next(answers, None) is None, "each was asked for"
    (shown,) = here.run("predictions()")
    output = shown["data"]["text/plain"]
    assert "How many? | 38 mails | 40 mails | a surprise" in output
    assert "Where? | there | there | as predicted" in output
    assert " as predicted\nquestion" in output, "and how many of them"
