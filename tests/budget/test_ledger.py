"""What a run may ask of models: who waits, who is asked, who is refused."""

from __future__ import annotations

import asyncio

import pytest

from nbagents import AgentBase, Msg, asking, budget
from nbagents.exceptions import BudgetExceededError, UsageError
from nbagents.models import ModelResponse, ModelWrapperBase
from nbagents.runs import Run

PRICES = {"mine": [1000.0, 2000.0]}


class Model(ModelWrapperBase):
    """Answers at once; says what it took."""

    def __call__(self, messages, **generate_args):
        async def work(request):
            budget.after_call(self.label, 10, 5)
            request.finish(text="Yes.")

        return ModelResponse.begin(self.label, work)


class Speaker(AgentBase):
    def __init__(self, name, calls=1, label="mine"):
        super().__init__(name)
        self.calls, self.mine = calls, Model(label)

    async def reply(self, x=None):
        said = [(await self.mine([{"role": "user", "content": "?"}])).text for _ in range(self.calls)]
        return Msg(self.name, " ".join(said))


def limited(**limits):
    run = Run("limited")
    budget.set_limits(run.id, {"prices": PRICES, **limits})
    return run


def test_a_run_within_its_limits_is_counted():
    with limited(max_calls=2) as run:
        assert Speaker("a", 2)().content == "Yes. Yes."
    assert budget.spent(run.id) == (2, pytest.approx(0.04))
    budget.forget(run.id)
    assert budget.limits_of(run.id) is None


def test_a_run_without_limits_is_not_asked_about():
    with Run("free"):
        assert Speaker("a", 30)().content


def test_where_nobody_may_be_asked_the_call_fails_and_says_what_to_type():
    with limited(max_calls=1, ask=False), pytest.raises(BudgetExceededError) as caught:
        Speaker("a", 2)().result(10)
    assert "the run has reached its limit: 1 of 1 call made" in str(caught.value)
    assert "--max-calls" in caught.value.hint


def test_where_nobody_is_there_the_call_fails(monkeypatch):
    monkeypatch.setattr(asking, "terminal", None)
    with limited(max_calls=1), pytest.raises(BudgetExceededError, match="1 of 1 call made"):
        Speaker("a", 2)().result(10)


@pytest.mark.parametrize(
    ("answers", "calls"), [(["allow 2 more calls"], 4), (["yes", "y"], 6), (["1", "$3"], 6), (["stop"], 2)]
)
def test_a_person_is_asked_and_may_allow_more(answers, calls):
    asked = []
    left = list(answers)

    def answer(question):
        asked.append(question)
        return left.pop(0) if left else "stop"

    with asking.answering(answer), limited(max_calls=2) as run, pytest.raises(BudgetExceededError):
        Speaker("a", calls + 1)().result(10)
    assert budget.spent(run.id)[0] == calls
    assert asked[0].choices == ("allow 2 more calls", "stop")
    assert asked[0].prompt == "The run is paused at its limit: 2 of 2 calls made. Go on? "
    assert asked[0].run == run.id


def test_all_who_wait_are_asked_about_once_and_go_on_together():
    asked = []

    def answer(question):
        asked.append(question.prompt)
        return "10"

    with asking.answering(answer), limited(max_calls=1):
        said = [Speaker(name)() for name in "abcdef"]
        assert [each.content for each in said] == ["Yes."] * 6
    assert len(asked) == 1


def test_all_who_wait_are_refused_together():
    with asking.answering(lambda question: "stop"), limited(max_calls=1):
        said = [Speaker(name)() for name in "abc"]
        ended = []
        for each in said:
            try:
                ended.append(each.content)
            except BudgetExceededError as error:
                ended.append(type(error))
    assert sorted(map(str, ended)) == sorted(map(str, ["Yes.", BudgetExceededError, BudgetExceededError]))


def test_a_budget_is_kept_and_says_who_spent_most():
    asked = []

    def answer(question):
        asked.append(question)
        return "stop"

    with asking.answering(answer), limited(budget=0.05) as run:  # each call costs 2 cents
        assert Speaker("a", 1)().content
        with pytest.raises(BudgetExceededError):
            Speaker("b", 3)().result(10)
    assert asked[0].choices == ("allow $0.05 more", "stop")
    assert "$0.06 of $0.05 spent (b 67%)" in asked[0].prompt
    assert budget.spent(run.id) == (3, pytest.approx(0.06))


def test_a_budget_needs_a_price():
    with limited(budget=1.0), pytest.raises(UsageError, match="the price of other is not known") as caught:
        Speaker("a", label="other")().result(10)
    assert "--max-calls 20" in str(caught.value)


def test_a_question_that_is_taken_away_is_asked_by_the_next():
    """The agent whose call asked is stopped; the others must not wait for an answer that never comes."""
    asked = []

    async def both():
        def answer(question):
            asked.append(question)
            return None if len(asked) == 1 else "5"

        with asking.answering(answer), limited(max_calls=1):
            assert (await Speaker("first")()).content
            second = Speaker("second")()
            while not asked:  # noqa: ASYNC110  # asked on another thread
                await asyncio.sleep(0.01)
            third = Speaker("third")()
            second.cancel()
            return (await third).content

    assert asyncio.run(both()) == "Yes."
    assert len(asked) == 2


@pytest.mark.parametrize(
    "limits",
    [{"max_calls": "3"}, {"max_calls": True}, {"budget": "x"}, {"prices": {"a": [1]}}, {"prices": 3}],
)
def test_what_is_no_limit_is_refused(limits):
    with pytest.raises(UsageError):
        budget.set_limits("r", limits)


def test_prices():
    assert budget.cost_of("gpt-4o-mini", 1_000_000, 1_000_000) == pytest.approx(0.75)
    assert budget.cost_of("nobody-knows", 1, 1) is None
    budget.set_prices({"nobody-knows": 2})
    assert budget.cost_of("nobody-knows", 500_000, 500_000) == pytest.approx(2)
    budget.set_prices({})
    for odd in ([1], [1, -1], "x", [True, 1], [1, float("nan")]):
        with pytest.raises(UsageError, match="the price of m must be two numbers"):
            budget.set_prices({"m": odd})
