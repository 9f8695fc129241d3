"""One pass, carried out: intent, reload, answer; later, by observation, how each of its actions ended. And checks, run.

Called by `loop/` and by the compositions. Deliberately not here: which pass to send (plan), what an answer means for
what is remembered (belief), when to look again (loop).
"""

from reconciler.execute.check import check
from reconciler.execute.facts import holds
from reconciler.execute.send import Errand, send
from reconciler.execute.settle import settle

__all__ = ["Errand", "check", "holds", "send", "settle"]
