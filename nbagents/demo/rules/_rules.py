"""The rule engine: which rule speaks, and the measure its words must keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._arithmetic import sums
from ._counting import counting
from ._critic import review
from ._debate import debate
from ._fit import fit
from ._honest import admit
from ._limits import Limits
from ._literal import bare, literal
from ._ordering import ordering
from ._passages import cite
from ._plan import name, plan
from ._poet import write
from ._recall import recall
from ._reviser import revise
from ._scene import Scene
from ._shape import fill, wrap
from ._summary import summary
from ._tools import report
from ._translate import translate
from ._votes import judge, tally, vote
from ._werewolf import werewolf

__all__ = ["reply", "speak"]

Rule = Callable[[Scene], Sequence[str] | str | None]

RULES: tuple[Rule, ...] = (
    cite,
    report,
    literal,
    werewolf,
    review,
    sums,
    counting,
    ordering,
    tally,
    judge,
    summary,
    vote,
    debate,
    translate,
    recall,
    name,
    revise,
    write,
    plan,
)
"""Asked in this order; the first that has something to say is heard."""


def reply(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return what the demo model says next: a pure function of the messages.

    Args:
        messages: Chat messages in OpenAI's form; a ``name`` tells the speakers apart.

    >>> reply([{"role": "user", "content": "What is 17 * 23?"}])
    '17 * 23 = 391'
    """
    return speak(Scene.of(messages))


def speak(scene: Scene, schema: Mapping[str, Any] | None = None, *, as_json: bool = False) -> str:
    """Return the reply for a scene, as JSON where the scene or the caller asks for it.

    Args:
        scene: The conversation as the next speaker sees it.
        schema: A JSON schema that the reply must be valid for.
        as_json: A JSON object is wanted, of a form that the conversation may describe.
    """
    text = _said(scene)
    if schema is not None:
        return fill(schema, text)
    if as_json or scene.limits.json:
        return wrap(text, _instruction(scene))
    return text


def _said(scene: Scene) -> str:
    for rule in RULES:
        said = rule(scene)
        if isinstance(said, str) and said:
            return {"upper": said.upper(), "lower": said.lower()}.get(scene.limits.case, said)
        if said:
            return fit(list(said)[-1:] if bare(scene) else list(said), scene.limits)
    return fit(admit(scene), scene.limits)


def _instruction(scene: Scene) -> str:
    # The newest instruction on the form comes last in the conversation, or stands in the prompt.
    texts = (
        [turn.text for turn in scene.heard] + ([scene.task.text] if scene.task else []) + [scene.talk.prompt]
    )
    return next((text for text in texts if Limits.read(text).json), "")
