"""Subscriptions against plain lists: any sequence of operations agrees with the naive model."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from proofplane.service.subscriptions import NoItem, Subscribers, Subscription


class Model:
    """What one subscription should hold, the naive way."""

    def __init__(self, real: Subscription[int], capacity: int) -> None:
        self.real = real
        self.capacity = capacity
        self.items: list[int] = []
        self.lagged = 0

    def accept(self, item: int) -> None:
        if len(self.items) == self.capacity:
            self.lagged += self.capacity
            self.items = []
        self.items.append(item)


class SubscribersMachine(RuleBasedStateMachine):
    """Any order of emitting, subscribing, receiving and ending agrees with lists.

    Producers are chosen by index and not drawn, because hypothesis would keep what it drew and so keep it alive.
    """

    producers = Bundle("producers")
    subscriptions = Bundle("subscriptions")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Subscribers[int]] = [Subscribers()]
        self.feed = self.open[0].feed()
        self.models: list[Model] = []
        self.next_item = 0

    @rule(target=subscriptions, capacity=st.integers(1, 4))
    def subscribe(self, capacity: int) -> Model:
        model = Model(self.feed.subscribe(capacity), capacity)
        self.models.append(model)
        return model

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 99))
    def emit(self, which: int) -> None:
        self.open[which % len(self.open)].emit(self.next_item)
        for model in self.models:
            model.accept(self.next_item)
        self.next_item += 1

    @rule(model=subscriptions)
    def try_recv(self, model: Model) -> None:
        if model.items:
            assert model.real.try_recv() == model.items.pop(0)
        elif self.open and model in self.models:
            assert model.real.try_recv() is NoItem.EMPTY
        else:
            assert model.real.try_recv() is NoItem.DISCONNECTED

    @rule(model=subscriptions)
    def close_subscription(self, model: Model) -> None:
        model.real.close()
        model.items = []
        if model in self.models:
            self.models.remove(model)

    @rule(model=consumes(subscriptions))
    def drop_subscription(self, model: Model) -> None:
        if model in self.models:
            self.models.remove(model)
        del model.real

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 99))
    def clone(self, which: int) -> None:
        self.open.append(self.open[which % len(self.open)].clone())

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 99), explicitly=st.booleans())
    def end_producer(self, which: int, explicitly: bool) -> None:
        producer = self.open.pop(which % len(self.open))
        if explicitly:
            producer.close()

    @invariant()
    def counts_agree(self) -> None:
        for model in self.models:
            assert model.real.backlog() == len(model.items)
            assert model.real.lagged == model.lagged


SubscribersMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_any_sequence_of_operations_agrees_with_plain_lists = SubscribersMachine.TestCase
