"""A person's own files and texts, indexed and found again; `retrieve_from_list` and `cos_sim`."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagents import ServiceToolkit, Toolkit
from nbagents.exceptions import StateCorruptError, UsageError
from nbagents.models import load_embedding_model
from nbagents.tools import Effect, KnowledgeIndex, effects_of

KEY = "sk-0123456789abcdef9f2c"


def letters(texts: list[str]) -> list[list[float]]:
    """Vectors by letters: a model that knows no words."""
    return [[text.lower().count(letter) + 0.01 for letter in "aeiouxyz"] for text in texts]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with files of all kinds, some of which are nobody's business."""
    notes = tmp_path / "notes"
    for folder in ("deep", ".git", "venv/lib", "node_modules"):
        (notes / folder).mkdir(parents=True)
    (notes / "rain.md").write_text(
        "---\ntitle: x\n---\n# Rain\nIt falls.\n\n## At night\n\nUmbrellas hang in the cellar.\n"
        "```\n# no heading\n```\n"
    )
    (notes / "deep" / "bread.txt").write_text("Bread is baked at dawn.\n\nThe oven needs an hour.\n")
    (notes / "prices.csv").write_text("item,price\nparasol,12\nraincoat,40\n")
    (notes / "shop.py").write_text("import os\n\n\ndef total(prices):\n    return sum(prices)\n")
    cells = [
        {"cell_type": "markdown", "source": ["# Weather\n", "A study of hail."]},
        {"cell_type": "code", "source": "hail = 3", "outputs": [{"text": ["forty stones\n"]}]},
    ]
    (notes / "study.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells, "metadata": {}}))
    (notes / "keys.txt").write_text(f"The key of the shop is {KEY}, do not tell.")
    for path in (
        ".env",
        ".git/config",
        "venv/pyvenv.cfg",
        "venv/lib/x.py",
        "node_modules/x.js",
        "api_secrets.txt",
    ):
        (notes / path).write_text(f"umbrella {KEY}")
    (notes / "photo.jpg").write_bytes(b"\xff\xd8")
    (notes / "odd.txt").write_bytes(b"\xff\xfe\0umbrella")
    (notes / "big.txt").write_bytes(b"umbrella " * 700_000)
    (notes / "private.txt").write_text("-----BEGIN RSA PRIVATE KEY-----\numbrella")
    with open(os.path.join(os.fsencode(notes), b"\xff.md"), "w") as file:
        file.write("umbrella")
    (notes / "link.md").symlink_to("/etc/passwd")
    (notes / "way").symlink_to("/etc")
    return notes


@pytest.fixture
def index(tmp_path: Path) -> Iterator[KnowledgeIndex]:
    with KnowledgeIndex(tmp_path / "index") as index:
        yield index


def found(index: KnowledgeIndex, query: str, **more: Any) -> list[str]:
    return [passage.where for passage in index.search(query, **more)]


def test_files_are_found_by_their_words_with_their_places(index: KnowledgeIndex, notes: Path) -> None:
    report = index.update(notes)
    assert (report.files, report.added) == (8, 6)
    assert index.sources() == [
        "keys.txt",
        "prices.csv",
        "rain.md",
        "shop.py",
        "study.ipynb",
        "deep/bread.txt",
    ]
    assert found(index, "Where are the umbrellas?")[0] == "rain.md, Rain › At night, lines 9–12"
    assert found(index, "baking bread") == ["deep/bread.txt, lines 1–3"]
    assert sorted(found(index, "hail study")) == [
        "study.ipynb, Weather, cell 1, line 2",
        "study.ipynb, Weather, cell 2, line 1",
    ]
    assert found(index, "total of prices")[0] == "shop.py, total, lines 4–5"
    assert found(index, "raincoat") == ["prices.csv, lines 1–3"]
    assert found(index, "bread.txt")[0] == "deep/bread.txt, lines 1–3", "also by the file's name"
    assert found(index, "zebra") == []
    assert found(index, "forty stones") == []
    assert index.update(notes, outputs=True).changed == 1
    assert found(index, "forty stones") == ["study.ipynb, Weather (output), cell 2"]
    assert index.update(notes, outputs=True).changed == 0
    assert index.update(notes).changed == 1
    assert found(index, "forty stones") == []


def test_what_is_left_out_is_told_with_the_reason(index: KnowledgeIndex, notes: Path) -> None:
    report = index.update(notes)
    why = {one.name: one.why for one in report.skipped}
    assert why == {
        ".env": "hidden",
        ".git/": "hidden",
        "venv/": "an environment of Python",
        "node_modules/": "made by programs",
        "api_secrets.txt": "its name says that it holds secrets",
        "photo.jpg": "not a kind of file that is read",
        "odd.txt": "no text in UTF-8",
        "big.txt": "larger than 5 MB",
        "private.txt": "it holds a private key",
        "?.md": "its name is no text in UTF-8",
        "link.md": "a link, or no regular file",
        "way/": "a link",
    }
    assert report.masked == ["keys.txt"]
    assert "keys were masked in: keys.txt" in report.reasons
    assert "sk-…9f2c" in index.retrieve("key of the shop")
    assert KEY.encode() not in Path(str(index.path)).read_bytes()
    assert Path(str(index.path)).stat().st_mode & 0o077 == 0


def test_only_what_has_changed_is_read_again(index: KnowledgeIndex, notes: Path) -> None:
    index.update(notes)
    assert str(index.update(notes)).endswith(" passages · 6 unchanged")
    rain = notes / "rain.md"
    os.utime(rain, ns=(1, 1))
    assert (index.update(notes).unchanged, index.update(notes).unchanged) == (6, 6), (
        "touched, and not changed"
    )
    rain.write_text("# Snow\nSledges stand in the attic.")
    (notes / "shop.py").unlink()
    (notes / "new.md").write_text("Hammocks hang in the garden.")
    report = index.update(notes)
    assert (report.added, report.changed, report.unchanged, report.removed) == (1, 1, 4, 1)
    assert found(index, "umbrellas cellar sledges") == ["rain.md, Snow, line 2"]
    assert found(index, "total") == []
    assert index.update(notes / "new.md").unchanged == 1, "a file alone; the others stay"
    assert found(index, "sledges") != []
    assert index.remove("rain.md", "nobody") == 1
    assert found(index, "sledges") == []
    index.clear()
    assert (len(index), index.sources()) == (0, [])


def test_a_folder_and_its_index_can_be_moved(notes: Path, tmp_path: Path) -> None:
    with KnowledgeIndex(notes / ".index") as index:
        index.update(notes)
    notes.rename(tmp_path / "moved")
    with KnowledgeIndex(tmp_path / "moved" / ".index") as index:
        report = index.update(tmp_path / "moved")
        assert not [one for one in report.skipped if "index" in one.name], "its own files are no news"
        assert (report.unchanged, report.added, report.removed) == (6, 0, 0)


def test_texts_are_added_and_replaced(index: KnowledgeIndex) -> None:
    index.add({"a": "# One\nfirst words", "b.txt": "second words"})
    report = index.add({"a": "# One\nother words", "b.txt": "second words"})
    assert (report.added, report.changed, report.unchanged) == (0, 1, 1)
    assert sorted(found(index, "words")) == ["a, One, line 2", "b.txt, line 1"]
    assert found(index, "first") == []
    with pytest.raises(UsageError, match="texts are given by name"):
        index.add({"a": 1})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="texts are given by name"):
        index.add({"\ud800": "a"})
    index.add({"odd": "half a sign: \ud800, and none:\0"})
    assert found(index, "sign") == ["odd, line 1"]


def test_languages_without_blanks_and_with_accents(index: KnowledgeIndex) -> None:
    index.add(
        {
            "zh": "我们在地下室放雨伞。",
            "ja": "傘は地下にあります。",
            "fr": "Le café est fermé.",
            "en": "rainy days",
        }
    )
    assert found(index, "雨伞在哪里")[0] == "zh, line 1"
    assert found(index, "cafe") == ["fr, line 1"]
    assert found(index, "rain day") == ["en, line 1"]
    index.add({"zh": "没有"})
    assert found(index, "雨伞") == []


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "rain AND",
        "NEAR(rain",
        "text:rain",
        "rain*",
        "(((",
        "'; DROP TABLE words; --",
        "\0",
        "?",
        "-",
        "x" * 9000,
    ],
)
def test_a_question_is_data(index: KnowledgeIndex, query: str) -> None:
    index.add({"a": "rain and words"})
    assert len(index.search(query)) <= 1
    assert len(index) == 1


def test_meaning_and_words_are_ranked_together(notes: Path, tmp_path: Path) -> None:
    asked: list[int] = []

    async def model(texts: list[str]) -> list[list[float]]:
        asked.append(len(texts))
        return letters(texts)

    path = tmp_path / "index"
    with KnowledgeIndex(path) as plain:
        plain.update(notes)
        with pytest.raises(UsageError, match="needs an embedding model"):
            plain.search("x", mode="meaning")
    with KnowledgeIndex(path, model) as index:
        report = index.update(notes)
        assert (report.unchanged, report.embedded, report.to_embed) == (6, len(index), len(index))
        assert sum(asked) == len(index)
        index.update(notes)
        assert sum(asked) == len(index), "nothing is embedded twice"
        assert len(index.search("zebra", top_k=100, mode="meaning")) == len(index)
        both = index.search("umbrellas in the cellar", top_k=100)
        assert both[0].source == "rain.md"
        assert 1 >= both[0].score > both[1].score > 0
        assert len(both) > len(index.search("umbrellas in the cellar", top_k=100, mode="words"))
        index.remove("rain.md")
        assert "rain.md" not in {one.source for one in index.search("umbrellas", top_k=100)}

    def other(texts: list[str]) -> list[list[float]]:
        return [[1.0, len(text)] for text in texts]

    with KnowledgeIndex(path, other) as index:
        with pytest.raises(UsageError, match="was made with the embedding model"):
            index.search("rain")
        index.update(notes)
        assert len(index.search("rain", top_k=100, mode="meaning")) == len(index)


def test_what_is_removed_takes_nobodys_place(tmp_path: Path) -> None:
    near, far = {f"near {n}": "aaaaaaaa" for n in range(60)}, {f"far {n}": "eeeeaaaa" for n in range(5)}
    with (
        KnowledgeIndex(tmp_path / "index", letters) as index,
        KnowledgeIndex(tmp_path / "index", letters) as other,
    ):
        index.add(near | far)
        for one in (index, other):
            assert {hit.source for hit in one.search("aa", top_k=60, mode="meaning")} == near.keys()
        index.remove(*near)
        for one in (index, other):
            assert {hit.source for hit in one.search("aa", mode="meaning")} == far.keys()


def test_what_was_finished_stays_when_the_model_fails_or_somebody_interrupts(
    notes: Path, tmp_path: Path
) -> None:
    def broken(texts: list[str]) -> list[list[float]]:
        raise RuntimeError("no model today")

    with KnowledgeIndex(tmp_path / "index", broken) as index:
        with pytest.raises(RuntimeError, match="no model today"):
            index.update(notes)
        assert found(index, "umbrellas", mode="words")[0].startswith("rain.md")

    def interrupt(report: Any) -> None:
        if report.done == 3:
            raise KeyboardInterrupt

    with KnowledgeIndex(tmp_path / "other") as index:
        with pytest.raises(KeyboardInterrupt):
            index.update(notes, progress=interrupt)
        assert len(index.sources()) == 2, "the first of them is not read"
        assert index.update(notes).unchanged == 2


def test_a_pdf_is_found_by_its_pages(index: KnowledgeIndex, tmp_path: Path) -> None:
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    folder = tmp_path / "papers"
    folder.mkdir()
    with PdfPages(folder / "paper.pdf") as pdf:
        for text in ("Nothing but an introduction", "Penguins cannot fly"):
            figure = Figure()
            figure.text(0.1, 0.5, text)
            pdf.savefig(figure)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    report = index.update(folder)
    assert found(index, "can penguins fly") == ["paper.pdf, page 2"]
    assert [(one.name, one.why[:25]) for one in report.skipped] == [
        ("broken.pdf", "a PDF that cannot be read")
    ]


def test_others_search_while_a_thread_updates(index: KnowledgeIndex, notes: Path) -> None:
    index.add({"a": "umbrella"})
    reached, goes_on = threading.Event(), threading.Event()

    def wait(report: Any) -> None:
        reached.set()
        assert goes_on.wait(20)

    thread = threading.Thread(target=index.update, args=(notes,), kwargs={"progress": wait})
    thread.start()
    assert reached.wait(20)
    assert found(index, "umbrella") == ["a, line 1"], "it does not wait for the update"
    goes_on.set()
    thread.join()
    assert len(found(index, "umbrella")) == 2


def test_files_of_others_are_not_taken_for_an_index(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(StateCorruptError):
        KnowledgeIndex(tmp_path / "text")
    with pytest.raises(UsageError, match="no such file or folder"), KnowledgeIndex() as index:
        index.update(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="an embedding model is"):
        KnowledgeIndex(None, 3)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- as a tool


def test_an_index_is_a_tool(index: KnowledgeIndex, notes: Path) -> None:
    index.update(notes)
    index.name = "notes"
    for toolkit in (Toolkit(), ServiceToolkit()):
        toolkit.register_tool_function(index)
        (schema,) = [one["function"] for one in toolkit.get_json_schemas()]
        assert schema["name"] == "retrieve_notes"
        assert "rain.md" in schema["description"]
        assert list(schema["parameters"]["properties"]) == ["query", "top_k"]
        block = {"type": "tool_use", "id": "1", "name": "retrieve_notes", "input": {"query": "umbrellas"}}
        text = toolkit.call_tool_function(block).result().text
        assert text.startswith("Quotations from files")
        assert "[1] rain.md, Rain › At night, lines 9–12\nUmbrellas hang in the cellar." in text
        block["input"] = {"query": "zebra"}
        assert toolkit.call_tool_function(block).result().text.startswith("No passage fits 'zebra'")
    assert effects_of(index.retrieve) == effects_of(toolkit.tools["retrieve_notes"].function) == {Effect.READ}
    told = Toolkit()
    told.register_tool_function(index.retrieve)
    told.register_tool_function(KnowledgeIndex(None, letters), func_name="other")
    assert set(told.tools) == {"retrieve", "other"}
    assert index("umbrellas") == index.retrieve("umbrellas")


# ---------------------------------------------------------------------------- models and lists


def test_a_model_by_name_makes_embeddings(notes: Path) -> None:
    with KnowledgeIndex(None, "demo", name="notes") as index:
        index.update(notes)
        assert index.search("umbrella cellars")[0].source == "rain.md"
        assert re.fullmatch(
            r"<KnowledgeIndex notes: \d+ passages of 6 texts, by words and meaning \(demo\)>", repr(index)
        )
    with pytest.raises(UsageError, match="makes no embeddings"):
        load_embedding_model({"config_name": "c", "model_type": "openai_chat", "model_name": "demo"})
    with pytest.raises(UsageError, match="is no loaded configuration"):
        KnowledgeIndex(None, "nobody's")
