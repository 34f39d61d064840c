"""Tests that lessons in the folder `ja` are Japanese, and accept Japanese answers."""

import ast
import json
import re
from copy import copy
from pathlib import Path

import pytest
from matplotlib.font_manager import FontManager, fontManager, json_dump
from notebooks.kernels import NOTEBOOKS, kernel
from notebooks.lesson import JAPANESE, run_lesson
from notebooks.sentences import sentences, untranslatable
from notebooks.wrong import WRONG
from programs import JAPANESE_FONT, needs
from support import run_python

from local_smtp.shared.language import translations

TRANSLATED = translations("ja", "demo_app.commands", "lab")
LETTER = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
FIGURE = """
import warnings
warnings.simplefilter("error")
from io import BytesIO
from lab.figures import panels, label_of
figure, (axes,) = panels(3)
axes.set_xlabel(label_of("seconds that a reader waited") + " → ×")
figure.savefig(BytesIO(), format="png")
print(axes.get_xlabel())
"""


def run_code(code: str, typed: str = "", **environment: str) -> str:
    done = run_python("-c", code, cwd=JAPANESE, typed=typed, **{"PYTHONPATH": "", **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_sentence_of_a_lesson_is_there_in_japanese() -> None:
    missing = [
        f"{where}: {text!r}" for text, where in sentences().items() if text not in TRANSLATED
    ]
    assert not missing, "write into notebooks/lab/japanese.json:\n" + "\n".join(missing)


def test_every_japanese_sentence_of_the_lessons_has_a_user() -> None:
    code = [*NOTEBOOKS.rglob("*.py"), *(NOTEBOOKS.parent / "demo_app").rglob("*.py")]
    trees = [ast.walk(ast.parse(path.read_text("utf-8"))) for path in code]
    whole = [str(one.value) for tree in trees for one in tree if isinstance(one, ast.Constant)]
    kinds = ("*.ipynb", "challenges/*.ipynb", "solutions/*.md", "lab/*.toml", "lab/*.svg")
    whole += [path.read_text("utf-8") for kind in kinds for path in NOTEBOOKS.glob(kind)]
    # a solution wraps its lines, and a notebook escapes its quotes
    used = " ".join(" ".join(whole).replace("\\", "").split())
    lab = json.loads((NOTEBOOKS / "lab/japanese.json").read_text("utf-8"))
    keys = {key: " ".join(key.replace("\\", "").split()) for key in lab}
    # the title of a panel is the name of a keyword argument
    titles = {key: text.replace(" ", "_") for key, text in keys.items()}
    assert [key for key in lab if keys[key] not in used and titles[key] not in used] == []


def test_no_sentence_is_put_together_before_it_is_looked_up() -> None:
    assert untranslatable() == [], "use translate('… {name}', name=…)"


def test_a_translation_has_the_same_gaps_and_the_same_code() -> None:
    gaps = re.compile(r"\{[^{}]*\}|\$\w+|`[^`]+`")
    for english, japanese in TRANSLATED.items():
        # `by` is the title of a column, and is translated
        expected = set(gaps.findall(english)) - {"`by`"}
        assert set(gaps.findall(japanese)) >= expected, english


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_a_whole_lesson_runs_in_japanese() -> None:
    with kernel(JAPANESE) as here:
        shown = run_lesson(here, "00_start_here", WRONG["00_start_here"], here.run)
    pages = [
        output["data"]["text/html"] for output in shown if "text/html" in output.get("data", {})
    ]
    assert len(pages) >= 8
    for page in pages:
        assert LETTER.search(page), page


@pytest.mark.thorough
def test_each_word_on_offer_is_understood_in_japanese_as_in_english() -> None:
    code = """
import tomllib
from pathlib import Path
from lab.language import to_english, translate
from lab.mysteries import PLACES, REASONS
asked = tomllib.loads(Path("lab/exercises.toml").read_text("utf-8"))
words = {*PLACES, *REASONS, "yes", "no", "first", "second"}
for one in asked["set_test"].values():
    words |= {*one["right"], *one["wrong"]}
for one in asked["dict_test"].values():
    words |= {*one["right"].values()}
for word in words:
    assert to_english(translate(word)) == to_english(word) == word, word
    assert to_english((translate(word), ...)) == (word, ...)
print(len(words))
"""
    assert int(run_code(code)) > 40


def test_a_lesson_in_ja_is_japanese_and_judges_japanese_answers_like_english_ones() -> None:
    code = """
from lab import check, predict
from lab.language import translate
print(translate("{n} comments posted", n=3))
for _ in range(5):
    print("guess:", predict("How many?", 3, "mails"))
print(predict("How many?", 3, "mails").against(12).rows)
print(predict("Does it come?", "no", choices=("yes", "no")).against("yes").rows)
print(predict("Does it come?", "no", choices=("yes", "no")).against("no").rows)
check("7.1", "ＩＮＬＩＮＥ")
check("10.3", {"クレジットカードに請求する", "カウンターに 1 を足す"})
check("10.3", {"クレジットカードに請求する", "昨日のログを消す"})
check("5.4", {"消失"})
check("9.2", "五")
check("3.2", {"no"})
check("6.2", "あきらめる")
check("6.2", dict.fromkeys(["421 too many connections", "550 no such person", "no answer"], "x"))
"""
    numbers = {
        "５通くらい\n": "あなたの予想: 5 通。",
        "5 mails\n": "あなたの予想: 5 通。",
        "1,200通\n": "あなたの予想: 1200 通。",
        "たくさん\n\n": "飛ばしました。よくある予想: 3 通。",
        "5 か 6\n7\n": "あなたの予想: 7 通。",
    }
    printed = run_code(code, typed="".join(numbers) + "たくさん\n１２\nはい。\nｂ）\n")
    assert printed.startswith("コメントを 3 件投稿しました\n")
    assert re.findall("guess: (.*)", printed) == list(numbers.values())
    assert "'たくさん' は読み取れません。通を単位とする数で答えてください。" in printed
    assert "('How many?', '12 通', '12 通', '予想どおり')" in printed
    assert "'はい', 'はい', '予想どおり'" in printed
    assert "'いいえ', 'いいえ', '予想どおり'" in printed
    marks = [line.split(":")[0] for line in printed.splitlines() if line[0] in "✓✗"]
    assert marks == ["✓ 7.1", "✓ 10.3", "✗ 10.3", "✗ 5.4", "✗ 9.2", "✗ 3.2", "✗ 6.2", "✗ 6.2"]
    assert "ここで '消失' は本当に" in printed
    assert "'no' のとき" in printed
    assert "波括弧と名前はそのままにして" in printed
    assert "'もう一度試す'、'Dead' のどれか" in printed


@pytest.fixture
def old_list(tmp_path: Path) -> str:
    """Return a folder with matplotlib's font list from before a Japanese font was installed."""
    found = copy(fontManager)
    found.ttflist = [font for font in found.ttflist if font.name.startswith("DejaVu")]
    json_dump(found, tmp_path / f"fontlist-v{FontManager.__version__}.json")
    return str(tmp_path)


@pytest.mark.thorough
def test_a_figure_has_japanese_labels_and_a_font_that_has_their_letters(old_list: str) -> None:
    """matplotlib warns of a missing letter, and FIGURE turns warnings into errors."""
    needs(JAPANESE_FONT)
    assert run_code(FIGURE, MPLCONFIGDIR=old_list) == "読者が待った秒数 → ×\n"


def test_a_figure_has_english_labels_where_no_font_has_japanese_letters(old_list: str) -> None:
    nowhere = "import matplotlib.font_manager as f; f.findSystemFonts = list\n"
    printed = run_code(nowhere + FIGURE, MPLCONFIGDIR=old_list)
    assert printed == "seconds that a reader waited → ×\n"
