"""The sentences of the lessons in the language of the lesson: Japanese below `notebooks/ja`.

The code has each sentence in English; `japanese.json` maps it to Japanese. The sentences of the
command `doctor` are in its own file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from demo_app.shared.language import translations

#: Whether this lesson is in Japanese. A kernel begins in the folder of its notebook.
JAPANESE = Path.cwd().is_relative_to(Path(__file__).resolve().parents[1] / "ja")
#: What fills in a sentence, in one language or the other.
Say = Callable[..., str]
#: A sentence in the lesson's language, filled in; a text of the learner's own stays as it is.
say = translations("ja" if JAPANESE else "en", "lab", "demo_app.commands")


def sentence(parts: Iterable[str]) -> str:
    """Several statements as one sentence."""
    return say("; ").join(parts) + say(".")


def typed(text: str) -> str:
    """Normalise typed text: narrow letters and digits, no brackets around it, no final dot."""
    return unicodedata.normalize("NFKC", text).casefold().strip("() 。、「」『』").rstrip("()., ")


def meant(answer: Any) -> Any:
    """Return the English words for Japanese ones, also inside a set, list or dict."""
    if isinstance(answer, str):
        return _ENGLISH.get(typed(answer), answer)
    if isinstance(answer, dict):
        return {name: meant(said) for name, said in answer.items()}
    if isinstance(answer, set | list | tuple):
        return type(answer)(map(meant, answer))
    return answer


_ENGLISH = {typed(japanese): english for english, japanese in reversed(say.items())}
