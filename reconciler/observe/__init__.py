"""One look at one server and its storage: every question asked, every answer kept, whatever fails.

Called by the lane between `belief.questions` and `belief.learn`. A server that is down, slow, foreign or refusing is a
`Reach` in the look; a question without an answer is *unseen*. Deliberately not here: what may be believed (belief/).
"""

from reconciler.observe.looking import look

__all__ = ["look"]
