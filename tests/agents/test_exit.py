"""The end of a program: a script's calls finish as blocking code would have, a failed script's do not."""

from __future__ import annotations

import subprocess
import time


def test_a_script_waits_for_its_calls(script):
    run = script(
        """
        class Says(AgentBase):
            def reply(self, x=None):
                print(self.name, "heard", x.content)
                return "said"
        Says("echo")(Says("second")(Slow("first")()))
        print("last line")
        """
    )
    out, err = run.end()
    assert out.splitlines() == ["last line", "second heard slow", "echo heard said"]
    assert err == ""
    assert run.process.returncode == 0


def test_a_script_waits_for_the_calls_of_its_calls(script):
    run = script(
        """
        class Asks(AgentBase):
            async def reply(self, x=None):
                await asyncio.sleep(0.05)
                Says("inner")()   # nobody waits for this one
        class Says(AgentBase):
            def reply(self, x=None):
                time.sleep(0.05)
                print("inner said")
        Asks("outer")()
        """
    )
    assert run.end() == ("inner said\n", "")


def test_a_script_waits_for_what_its_agents_observe(script):
    run = script(
        """
        from nbagents.hub import msghub
        class Listens(AgentBase):
            async def observe(self, x):
                await asyncio.sleep(0.05)
                print("heard", x.content)
        with msghub([Listens("listens")], announcement=Slow("slow")()):
            pass
        """
    )
    assert run.end() == ("heard slow\n", "")


def test_a_script_that_fails_ends_its_calls(script):
    run = script(
        """
        class Careful(Slow):
            async def reply(self, x=None):
                try:
                    await asyncio.sleep(60)
                finally:
                    print("tidied up")
        Careful("long")()
        Blocking.seconds = 60
        Blocking("stuck")()
        while len(scheduler().live) < 2:
            time.sleep(0.01)
        raise ValueError("the script is wrong")
        """
    )
    before = time.monotonic()
    out, err = run.end()
    assert time.monotonic() - before < 15
    assert out == "tidied up\n"
    assert err.splitlines()[-1] == "ValueError: the script is wrong"
    assert "never read" not in err
    assert "Fatal" not in err
    assert run.process.returncode == 1


def test_a_notebooks_kernel_ends_its_calls(script):
    run = script(
        """
        import ipykernel
        Slow.seconds = 60
        Slow("long")()
        """
    )
    before = time.monotonic()
    assert run.end() == ("", "")
    assert time.monotonic() - before < 15
    assert run.process.returncode == 0


def test_a_server_may_leave_its_calls(script):
    run = script(
        """
        scheduler().finish_at_exit = False
        Slow.seconds = 60
        Slow("long")()
        """
    )
    assert run.end() == ("", "")


def test_failures_that_nobody_has_read_are_reported_at_exit(script):
    run = script(
        """
        class Fails(AgentBase):
            async def reply(self, x=None):
                await asyncio.sleep(0.05)
                raise ValueError("no idea")
        kept = Fails("a")(), Fails("b")()
        try:
            kept[0].content
        except ValueError:
            print("read")
        """
    )
    assert run.end() == ("read\n", "nbagents: the failure of b was never read: ValueError: no idea\n")
    assert run.process.returncode == 0


def test_a_question_that_is_open_at_exit_is_still_asked(script):
    run = script('UserAgent("me")()\nprint("last line")')
    out, err = run.end("hello\n")
    assert out == "last line\nUser Input: me: hello\n"
    assert err == ""


def test_a_question_at_exit_with_nobody_there_is_over_at_once(script):
    run = script('UserAgent("me")()', stdin=subprocess.DEVNULL)
    out, err = run.end()
    assert out == "User Input: "
    assert err.startswith("nbagents: the failure of me was never read: EOFError: me was asked, and")


def test_a_script_without_open_calls_ends_at_once(script):
    run = script(
        'assert Slow("a")().content == "slow"\nprint("last line", flush=True)\nstarted = time.time()'
    )
    assert run.line() == "last line"
    before = time.monotonic()
    assert run.end() == ("", "")
    assert time.monotonic() - before < 5
    assert run.process.returncode == 0
