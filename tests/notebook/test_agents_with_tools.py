"""``%%agent --tools``: agents in the server that call functions of the notebook, of ours, and of toolkits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(180)]

OWN = """\
import functools, os
from nbagents.tools import Toolkit, effects

BONUS = 100

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b + BONUS

@effects("write")
def save_note(text: str) -> str:
    "Save a note."
    with open(PLACE, "a") as file:
        file.write(text + "|")
    return f"saved in process {os.getpid() != HERE}"

def whisper(text: str, volume: int) -> str:
    "Whisper a text."
    return text.lower() + "!" * volume

HERE, PLACE = os.getpid(), os.path.abspath("notes.txt")
whisper_loudly = functools.partial(whisper, volume=3)
kit = Toolkit(approve={"write": "deny"})
kit.register_tool_function(save_note)
number = 3
rows = []

def broken() -> int:
    "Count the rows."
    return len(rows)
"""
SAVE = '%%agents clerk{}\nSave the note "buy umbrellas"'


@pytest.fixture(scope="module")
def shop(kernel: Any) -> Any:
    assert kernel.run(OWN).error == ""
    return kernel


def notes(shop: Any) -> str:
    return str(shop.run("print(open(PLACE).read() if os.path.exists(PLACE) else '', end='')").stdout)


def defined(shop: Any, line: str, prompt: str = "You help. Use your tools.") -> str:
    cell = shop.run(f"%%agent {line} -m demo-fast\n{prompt}")
    assert cell.error == "", cell.error
    assert cell.stderr == ""
    return str(cell.card)


def test_an_agent_calls_functions_of_the_notebook_in_its_server(shop: Any) -> None:
    line = defined(shop, "calc --tools add,whisper_loudly")
    assert "ready" in line
    assert "tools add, whisper" in line
    assert "105" in shop.run("%%agents calc\nPlease add 2 and 3").card
    assert "psst!!!" in shop.run('%%agents calc\nWhisper the text "PSST"').card


def test_other_tools_and_rules_keep_the_memory(shop: Any) -> None:
    assert "ready" in defined(shop, "clerk")
    shop.run("%%agents clerk\nHello.")
    before = shop.run("who = clerk; print(clerk.agent_id, len(clerk.memory.get_memory()))").stdout
    line = defined(shop, "clerk --tools add, save_note")
    assert "tools updated · 2 messages kept" in line
    assert "tools add, save_note" in line
    assert shop.run("print(clerk.agent_id, len(clerk.memory.get_memory()), who is clerk)").stdout == (
        before.strip() + " True\n"
    )
    assert "107" in shop.run("%%agents clerk\nPlease add 3 and 4").card
    assert "unchanged · 6 messages kept" in defined(shop, "clerk --tools add,save_note")
    shop.run(OWN.split("@effects")[0])  # the same function, of another cell
    assert "unchanged · 6 messages kept" in defined(shop, "clerk --tools add,save_note")
    shop.run(OWN.split("@effects")[0].replace("a + b", "a * b"))
    assert "tools updated · 6 messages kept" in defined(shop, "clerk --tools add,save_note")
    assert "112" in shop.run("%%agents clerk\nPlease add 3 and 4").card
    line = defined(shop, "clerk --tools save_note --approve deny", "You keep notes.")
    assert "prompt and tools updated · 10 messages kept" in line
    assert "not allowed: no tools that write may be called here" in shop.run(SAVE.format("")).card
    assert notes(shop) == ""
    assert "tools updated" in defined(shop, "clerk", "You keep notes.")
    assert "model updated · 14 messages kept" in defined(shop, "clerk --temperature 0.5", "You keep notes.")
    assert "tools" not in shop.run("%%agent clerk").card
    assert shop.run("%%agents clerk\nHello again.").error == ""
    assert "memory 0" in defined(shop, "clerk --tools save_note --fresh")


def test_a_person_is_asked_and_the_audit_tells(shop: Any) -> None:
    defined(shop, "clerk --tools save_note --fresh")
    before = notes(shop)
    cell = shop.run(SAVE.format(""), answers=("no umbrellas",))
    assert 'clerk wants to run save_note (write):\n    text = "buy umbrellas"' in cell.prompts[0]
    assert "not allowed: no umbrellas" in "".join(str(o.data.get("text/plain", "")) for o in cell.outputs)
    assert notes(shop) == before
    shop.run(SAVE.format(""), answers=("yes",))
    assert notes(shop) == before + "buy umbrellas|"
    defined(shop, "clerk --tools save_note --approve auto")
    card = shop.run(SAVE.format("")).card
    assert "saved in process True" in card
    assert "not allowed" in shop.run(SAVE.format(" --approve deny")).card
    assert notes(shop) == before + "buy umbrellas|" * 2


def test_toolkits_keep_their_rules_among_others(shop: Any) -> None:
    assert "tools save_note" in defined(shop, "strict --tools kit --approve auto")
    asked = '%%agents strict\nSave the note "never"'
    assert "not allowed: no tools that write" in shop.run(asked).card
    assert "tools save_note, add" in defined(shop, "strict --tools kit,add --approve auto")
    assert "not allowed: no tools that write" in shop.run(asked).card
    assert "never" not in notes(shop)


def test_tools_of_nbagents_by_name(shop: Any) -> None:
    shop.run("open('read_me.txt', 'w').write('The shop opens at nine.');")
    defined(shop, "reader --tools read_text_file,execute_python_code --approve auto")
    assert "opens at nine" in shop.run('%%agents reader\nRead text file "read_me.txt"').card


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x --tools ad", "no tool called 'ad'. Did you mean 'add'?   Known: of this notebook: "),
        ("x --tools ad", "of nbagents.tools: list_directory_content, "),
        ("x --tools number", "number is a variable of yours (int), no function and no toolkit"),
        ("x --tools Toolkit", "Toolkit is a variable of yours (a class), no function and no toolkit"),
        ("x --tools query_sqlite", "query_sqlite needs its database, which no model may give"),
        ("x --tools a-b", "--tools needs names, f,g, not 'a-b'"),
        ("x --tools", "--tools needs a value: --tools f,g"),
        ("x --tools add --approve yes", "--approve takes ask|auto|deny, not 'yes'"),
        ("x --approve auto", "--approve is about tools; name them too: --tools f,g"),
        ("x --kind user --tools add", "x is a person, who calls no tools"),
        ("x --tools kit,save_note", "there is a tool named save_note already"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(shop: Any, line: str, told: str) -> None:
    cell = shop.run(f"%%agent {line}\nYou help.")
    assert "UsageError: %%agent: " in cell.stderr
    assert told in cell.stderr
    assert shop.run("print('x' in globals())").stdout == "False\n"


def test_a_function_that_cannot_travel_is_told_by_name(shop: Any) -> None:
    cell = shop.run("%%agent x --tools broken\nYou count.")
    assert "broken cannot go to a server: it uses rows, a list, which cannot travel" in cell.error
    assert "let it be an argument" in cell.error


def test_its_settings_are_shown_and_written_as_python(shop: Any) -> None:
    defined(shop, "calc --tools add,read_text_file --approve ask", "You calculate.")
    code = shop.run("%agents code").stdout
    assert code == (
        "import nbagents\nfrom nbagents.tools import read_text_file\n\n"
        'calc = nbagents.agent("calc", "You calculate.", model="demo-fast", tools=[add, read_text_file],'
        ' approve="ask")\n'
    )
    assert "tools add, read_text_file (approve: ask)" in shop.run("%%agent calc").card
    ran = shop.run(code + "print(calc.agent_id)")
    assert ran.error == ""
    assert "unchanged" in defined(shop, "calc --tools add,read_text_file --approve ask", "You calculate.")
    assert "--tools f,g" in shop.run("%%agent?").payload


def test_names_of_tools_are_completed(shop: Any) -> None:
    found = shop.complete("%%agent calc --tools ")
    assert {"add", "kit", "whisper_loudly", "read_text_file", "execute_python_code"} <= set(found)
    assert not {"number", "Toolkit", "poet", "query_sqlite"} & set(found)
    assert shop.complete("%%agent calc --tools add,whi") == ["whisper", "whisper_loudly"]
    assert shop.complete("%%agent calc --tools add --approve ") == ["ask", "auto", "deny"]


def test_agents_with_tools_outlive_their_server(shop: Any) -> None:
    shop.run(OWN)
    defined(shop, "calc --tools add --fresh", "You calculate.")
    shop.run("%%agents calc\nPlease add 2 and 3")
    killed = shop.run(
        "import nbagents, signal; os.kill(nbagents.setup.session().server.status().pid, signal.SIGKILL)"
    )
    assert killed.error == ""
    assert "105" in shop.run("%%agents calc\nPlease add 2 and 3").card
    assert shop.run("print(len(calc.memory.get_memory()))").stdout == "8\n"


def test_with_nobody_there_it_is_a_no_at_once(new_kernel: Any, tmp_path: Path) -> None:
    alone = new_kernel(somebody=False)
    alone.run("%load_ext nbagents")
    alone.run(OWN)
    alone.run("%%agent clerk -m demo-fast --tools save_note\nYou keep notes.")
    cell = alone.run(SAVE.format(" --default approve"))
    assert "not allowed: nobody is there to be asked" in cell.card
    assert cell.seconds < 20
    assert not (tmp_path / "notes.txt").exists()
