"""Random sequences on a server and on the simulated core, side by side: equal answers, states, labels and defaults.

``--sequences N`` plays more of them, ``--seed S`` others. A failure tells all moves that led to it.
"""

from __future__ import annotations

import random

from conformance_cases import ALLOW, PLAIN, THREADS, case
from conformance_process import ProcessWorld
from conformance_sequences import Author, Pair
from conformance_virtual import VirtualWorld
from conformance_world import World

A_PAIR = "the core is the other side of the comparison"
MOVES = 9


def play(world: World, sequence: int) -> None:
    assert isinstance(world, ProcessWorld)
    simulated = VirtualWorld(world.flags, tag=world.tag, root=world.root)
    simulated.open()
    pair = Pair(simulated, world)
    pair.begin()
    author = Author(random.Random(sequence), simulated, safely=world.kind == "foreign")
    for _ in range(MOVES):
        move = author.next(blocked=pair.blocked)
        author.learn(move, pair.play(move))


@case("D1", flags=PLAIN, process_only=A_PAIR)
def test_a_random_sequence_leads_to_the_same_answers_and_states(world: World, sequence: int) -> None:
    play(world, sequence)


@case("D1", flags=ALLOW, process_only=A_PAIR)
def test_a_random_sequence_with_the_allow_flag_leads_to_the_same_answers_and_states(
    world: World, sequence: int
) -> None:
    play(world, sequence)


@case("D1", flags=THREADS, process_only=A_PAIR)
def test_a_random_sequence_with_load_threads_leads_to_the_same_answers_and_states(world: World, sequence: int) -> None:
    play(world, sequence)
