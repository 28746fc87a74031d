"""Translation word for word from a small glossary, and marked as such."""

from __future__ import annotations

import re

from ._role import Role
from ._scene import Scene
from ._text import operand, upper_first

__all__ = ["translate"]

_LANGUAGES = ("french", "german", "spanish")
_GLOSSARY = """
    a un ein un
    and et und y
    big grand groß grande
    book livre Buch libro
    bread pain Brot pan
    cat chat Katze gato
    city ville Stadt ciudad
    day jour Tag día
    dog chien Hund perro
    door porte Tür puerta
    evening soir Abend tarde
    friend ami Freund amigo
    good bon gut bueno
    hello bonjour hallo hola
    house maison Haus casa
    is est ist es
    lamp lampe Lampe lámpara
    moon lune Mond luna
    morning matin Morgen mañana
    night nuit Nacht noche
    no non nein no
    not pas nicht no
    or ou oder o
    please s'il-vous-plaît bitte por-favor
    rain pluie Regen lluvia
    red rouge rot rojo
    sea mer Meer mar
    small petit klein pequeño
    sun soleil Sonne sol
    thanks merci danke gracias
    the le der el
    water eau Wasser agua
    white blanc weiß blanco
    window fenêtre Fenster ventana
    with avec mit con
    without sans ohne sin
    world monde Welt mundo
    yes oui ja sí
    you vous du usted
"""
_ROWS = [row.split() for row in _GLOSSARY.split("\n") if row.strip()]
_ASKED = re.compile(
    r"\btranslate\b(?P<text>.*?)(?:\b(?:in)?to\s+(?P<language>[A-Za-z]+))?[.!]?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_LANGUAGE = re.compile(r"\b(?:in)?to\s+([A-Za-z]+)\b|\b(french|german|spanish)\b", re.IGNORECASE)


def translate(scene: Scene) -> list[str] | None:
    """Translate what the glossary holds; None where nothing is to be translated."""
    asked = _ASKED.search(scene.request)
    if scene.last is None or not (asked or scene.role is Role.TRANSLATOR):
        return None
    named = [
        found[1] or found[2]
        for source in (scene.request, scene.talk.prompt)
        for found in _LANGUAGE.finditer(source)
    ]
    language = next((one.lower() for one in named if one.lower() in _LANGUAGES), "")
    if not language:
        known = "French, German and Spanish"
        return [
            f"My glossary holds {len(_ROWS)} words of {known} and no other language.",
            f"I have only {known}.",
        ]
    text = operand(scene.request) if asked else None
    if text is None and asked:
        text = asked["text"].strip(' :\n"“”')
        if not text or re.fullmatch(r"(?:it|this|that|them|the .*)", text, re.IGNORECASE):
            meant = scene.meant(scene.request)
            text = meant.text if meant else ""
    elif text is None:
        text = scene.last.text
    if not text:
        return ["There is no text to translate yet."]
    column = 1 + _LANGUAGES.index(language)
    table = {row[0]: row[column] for row in _ROWS}
    done = "\n".join(" ".join(_word(token, table) for token in line.split()) for line in text.splitlines())
    lacking = " Words in [brackets] are not in my glossary." if "[" in done else ""
    return [f"{upper_first(done)}\n(Word for word into {upper_first(language)}.{lacking})", upper_first(done)]


def _word(token: str, table: dict[str, str]) -> str:
    found = re.fullmatch(r"(\W*)(.*?)(\W*)", token)
    before, word, after = found.groups() if found else ("", token, "")
    if not word:
        return token
    plain = table.get(word.lower())
    return f"{before}{plain.replace('-', ' ') if plain else f'[{word}]'}{after}"
