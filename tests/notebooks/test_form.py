"""What every lesson has in common: its shape, its length, and no number without its proof."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from notebooks.kernels import NOTEBOOKS
from notebooks.lesson import LESSONS, UNUSUAL, cells, code_cells, prose, solutions_of
from notebooks.minutes import measured, with_minutes
from notebooks.words import JAPANESE, page, words

PARTS = (
    "**After this lesson you can**",
    "**You need**",
    "**Time:**",
    "### Exercise",
    "## Key points",
    "## Words learnt",
    "in Japanese",
    "## Where to read on",
    "## Can you say it without looking?",
)
KILLS = (
    "kill(",
    "kill_redis(",
    "kill_when_busy(",
    "kill_frozen_worker(",
    "crash(",
    "climb(",
    "try_out(",
    "poison.enqueue(",
)
#: Numbers that are names: of lessons, standards, SMTP's answers, signals, sections.
NAMES = re.compile(
    r"[Ll]essons? \d\d(?:(?:,| and) \d\d)*|`\d\d_\w+`|RFC \d+|section [\d.]+|DEP \d+|[245]xx|"
    r"\*\*\d{3}[^*]*\*\*|\*\d{3}, \w+\*|kill -9|p50|p99|M/M/1|^\d+\. |"
    r"version \d[\d.]* of \d{4}|# \d\d · |[aA]bout \d+ minutes?|Exercise \d+\.\d",
    re.M,
)
#: Mysteries to be solved, and an app to be written: nobody does these within half an hour.
LONG = {"11_where_is_job_17", "12_your_own"}
#: How long a sentence may be, in words.
LONGEST = 26

#: What a first course on Rails' jobs teaches; the lesson in which it is seen; and by what.
ORIGINAL = (
    ("job and queue", "02", ("ジョブ", "キュー", "work.enqueue", 'lrange("queue:mail"')),
    ("synchronous and asynchronous", "01", ("同期", "非同期", 'backend="inline"', "async def")),
    ("one way to declare jobs", "07", ("ActiveJob", "@task", "One setting")),
    ("mail, pictures, CSV", "07", ("Mail, pictures, tables", "mail_thumbnail", "upload_picture(")),
    ("the in-process queue", "07", (":async", '"memory"', "crash(")),
    ("the in-process queue is lost", "01", ('Lab(backend="memory"', 'lab.kill("web")')),
    ("Sidekiq", "04", ("Sidekiq", "Celery")),
    ("Delayed Job and Resque", "07", ("Delayed Job", "Resque", '"huey", "rq"')),
    ("Redis keeps its data", "03", ("RDB", "AOF", "persistence=False", "永続化")),
    ("why Redis and not MySQL", "03", ("MySQL", "jobs a second", "race(lab)")),
    ("a dashboard in Sinatra", "08", ("Sinatra", "/jobs")),
    ("comment and notification mail", "00", ("lab.post(1)", "lab.follow(")),
    ("three processes beside each other", "00", ("demo_app up", "`sidekiq`", "lab.map()")),
    ("enqueue and dequeue", "02", ("エンキュー", "デキュー", "lrange(")),
)


def test_the_lessons_are_numbered_without_a_gap() -> None:
    assert [lesson[:2] for lesson in LESSONS] == [f"{n:02}" for n in range(len(LESSONS))]
    assert len(LESSONS) >= 10


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_stored_without_outputs(lesson: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_every_part(lesson: str) -> None:
    text = prose(lesson)
    for part in PARTS:
        assert part in text, f"{part!r} is missing"
    assert 2 <= len(solutions_of(lesson)) <= (8 if lesson in LONG else 4)
    assert re.search(r"\*\*Time:\*\* about \d+ minutes", text)
    assert "**Seen:**" in text
    assert "predict(" in "\n".join(code_cells(lesson))


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_minutes_are_those_that_were_measured(lesson: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    expected = with_minutes(lesson, measured()[lesson])
    assert notebook == expected, "run python -m notebooks.minutes --measure in tests"
    found = re.search(r"about (\d+) minutes", prose(lesson))
    assert found is not None
    assert int(found[1]) <= (100 if lesson in LONG else 30)


@pytest.mark.parametrize("lesson", LESSONS)
def test_code_cells_are_short(lesson: str) -> None:
    lengths = [len(cell.splitlines()) for cell in code_cells(lesson)]
    assert max(lengths) <= 12
    assert statistics.median(lengths) <= 5


@pytest.mark.parametrize("lesson", LESSONS)
def test_prose_stands_before_code(lesson: str) -> None:
    """No topic begins on a code cell, and at most two code cells follow each other."""
    in_a_row, text = 0, ""
    for code, source in cells(lesson):
        in_a_row = in_a_row + 1 if code else 0
        assert in_a_row <= 2, f"no prose before\n{source}"
        if code:
            assert not text.splitlines()[-1].startswith("#"), f"only a heading before\n{source}"
        else:
            text = source.strip()


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_check_is_under_its_heading_and_its_instruction(lesson: str) -> None:
    text = ""
    for code, source in cells(lesson):
        for name in re.findall(r'^check\("(\d+\.\d)"', source, re.M) if code else []:
            _, heading, instruction = text.rpartition(f"### Exercise {name}\n")
            assert heading, f"exercise {name} has no heading of its own"
            assert len(instruction.split()) >= 4, f"exercise {name} does not say what to do"
            assert "\n#" not in instruction, f"another topic follows exercise {name}"
        text = "" if code else source


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_prose_is_plain_english(lesson: str) -> None:
    text = re.sub(r"`[^`]*`|\*\*?|\|.*", "", prose(lesson))
    assert not UNUSUAL.findall(text)
    for paragraph in re.split(r"\n\s*\n|\n(?=- |\d\. |#)", text):
        for sentence in re.split(r"(?<=[.?!:;])\)?\s", paragraph.replace("\n", " ")):
            assert len(sentence.split()) <= LONGEST, f"a long sentence: {sentence}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_name_is_given_twice_so_that_an_earlier_cell_still_means_the_same(lesson: str) -> None:
    """A cell that is run again late finds what it found the first time, or a lab that is closed."""
    given: dict[str, str] = {"answer": ""}  # the exercises'
    for cell in code_cells(lesson):
        for name in sorted(_given(cell)):
            assert given.get(name, "") == "", (
                f"{name} is also given in\n{given[name]}\nand in\n{cell}"
            )
            given[name] = "" if name == "answer" else cell


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_last_cell_ends_the_last_system(lesson: str) -> None:
    labs = [
        name
        for cell in code_cells(lesson)
        for name in re.findall(r"^(\w+) = (?:Lab|mystery)\(", cell, re.M)
    ]
    assert code_cells(lesson)[-1] == f"{labs[-1]}.close()"


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_predictions_are_compared_once_more_at_the_end(lesson: str) -> None:
    code = code_cells(lesson)
    assert code.index("predictions()") > max(
        n for n, cell in enumerate(code) if ".against(" in cell
    )


@pytest.mark.parametrize("lesson", LESSONS)
def test_at_least_one_step_kills_a_process(lesson: str) -> None:
    assert any(kill in cell for cell in code_cells(lesson) for kill in KILLS)


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_prediction_is_set_beside_the_measurement(lesson: str) -> None:
    code = "\n".join(code_cells(lesson))
    assert code.count("predict(") == code.count(".against(")


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_number_in_the_prose_stands_in_the_code_beside_it(lesson: str) -> None:
    code = set(re.findall(r"\d+(?:\.\d+)?", "\n".join(code_cells(lesson)).replace("_", "")))
    code |= {f"{100 * float(share):g}" for share in code if share.startswith("0.")}  # as per cent
    # the numbers of an exercise are no claims, and those of a table are in the code beside it
    given = re.sub(r"^### Exercise[^\f]*", "", prose(lesson), flags=re.M)
    tables = re.sub(r"^\|.*\|$", "", given, flags=re.M)
    text = re.sub(r"`[^`]*`", "", NAMES.sub("", tables))
    said = {number.replace(",", "") for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    assert {number.rstrip(",") for number in said} <= code | {"0"}


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_lesson_names_what_it_does_not_import(lesson: str) -> None:
    """A beginner's cell imports the lab and the standard library, and what the lesson is about."""
    allowed = {"lab", "demo_app", "kombu", "asyncio", "time", "datetime", "inspect", "pathlib"}
    code = "\n".join(code_cells(lesson))
    found = set(re.findall(r"^(?:from|import) (\w+)", code, re.M))
    assert found <= allowed


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_word_learnt_is_used_in_its_lesson(lesson: str) -> None:
    text, _, rest = prose(lesson).partition("## Words learnt")
    said = (text + "\n".join(code_cells(lesson))).lower()
    learnt = re.findall(r"^\| (?!word \||---)(.+?) \|", rest, re.M)
    assert len(learnt) >= 4
    for word in (one for row in learnt for one in row.lower().split(", ")):
        assert word.removesuffix("e") in said, f"{word!r} is not explained"


def _given(cell: str) -> set[str]:
    """The names that a cell gives to something at its top level, loops' names left out."""
    names: set[str] = set()
    for step in ast.parse(cell, mode="exec", type_comments=False).body:
        if isinstance(step, ast.FunctionDef | ast.ClassDef):
            names.add(step.name)
        elif isinstance(step, ast.Assign):
            targets = [one for target in step.targets for one in ast.walk(target)]
            names |= {
                one.id
                for one in targets
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            }
    return names


@pytest.mark.parametrize("folder", [NOTEBOOKS, JAPANESE])
def test_the_glossary_has_every_word_of_the_lessons(folder: Path) -> None:
    written = (folder / "words.md").read_text("utf-8")
    assert written == page(folder), "run python -m notebooks.words in tests"
    assert len(words(folder)) > 40
    for lesson in LESSONS:
        assert any(lesson[:2] in word.lessons for word in words(folder))


def test_a_word_has_the_same_japanese_one_in_both_glossaries() -> None:
    english, japanese = ({w.word: w.japanese for w in words(f)} for f in (NOTEBOOKS, JAPANESE))
    assert english == japanese


@pytest.mark.parametrize(("row", "lesson", "wanted"), ORIGINAL)
def test_each_row_of_a_first_course_is_seen_in_its_lesson(
    row: str, lesson: str, wanted: tuple[str, ...]
) -> None:
    (name,) = (name for name in LESSONS if name[:2] == lesson)
    text = prose(name) + "\n".join(code_cells(name))
    for piece in wanted:
        assert piece in text, f"lesson {lesson} does not show {piece!r}, for {row}"
