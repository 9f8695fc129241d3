"""The nouns: frozen, slotted values that every stage speaks in. Standard library only; no I/O, no decisions.

desired → what git asks for · config → what one reload carries · look → what a server answered · memory → what is
remembered · observed → what may be believed · plan → actions, passes, holds · outcome → what happened.
"""
