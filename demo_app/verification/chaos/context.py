"""What a fault is, what it can lay its hands on, and what kind of fault there is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from demo_app.verification.chaos.mail_rules import MailRules
from demo_app.verification.chaos.system import System


@dataclass(frozen=True, slots=True)
class Fault:
    """One that happened.

    at, over: epoch seconds, when it struck and when it was lifted again (the same for a kill).
    hit: what has to recover: worker, web, redis, smtp, mail (a single mail) or all.
    pids: the workers that it took.
    """

    kind: str
    hit: str
    at: float
    over: float
    pids: tuple[int, ...] = ()


@dataclass(slots=True)
class Scene:
    """What a fault can lay its hands on. seconds: how long to wait for what may not come."""

    system: System
    rules: MailRules
    seconds: float = 12.0
    chance: random.Random = field(default_factory=random.Random)


Act = Callable[[Scene], list[Fault]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault; weight: how often it is chosen. stock: whether stock Celery can have it."""

    name: str
    weight: float
    act: Act
    stock: bool = True
