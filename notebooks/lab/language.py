"""The translation of sentences into the lesson's language: Japanese in `notebooks/ja`, or English.

The code contains the English sentences; `japanese.json` maps them to Japanese. The sentences of the
command `doctor` are in `demo_app/commands/japanese.json`.
"""

import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from demo_app.shared.language import translations

#: True if this lesson is in Japanese. A kernel starts in the folder of its notebook.
JAPANESE = Path.cwd().is_relative_to(Path(__file__).resolve().parents[1] / "ja")
#: A function that translates and formats a sentence.
Translate = Callable[..., str]
#: Translates a sentence into the lesson's language and formats it. Unknown texts stay unchanged.
translate = translations("ja" if JAPANESE else "en", "lab", "demo_app.commands")


def sentence(parts: Iterable[str]) -> str:
    return translate("; ").join(parts) + translate(".")


def normalise(text: str) -> str:
    """Return typed text in lower case and half width, without outer brackets and final dots."""
    return unicodedata.normalize("NFKC", text).casefold().strip("() 。、「」『』").rstrip("()., ")


def to_english(answer: Any) -> Any:
    """Return the answer with its Japanese words in English; other words stay unchanged.

    The answer may be a word, a set, list or tuple of words, or a dict with words as values.
    """
    if isinstance(answer, str):
        return _ENGLISH.get(normalise(answer), answer)
    if isinstance(answer, dict):
        return {name: to_english(word) for name, word in answer.items()}
    if isinstance(answer, set | list | tuple):
        return type(answer)(map(to_english, answer))
    return answer


_ENGLISH = {normalise(japanese): english for english, japanese in reversed(translate.items())}
