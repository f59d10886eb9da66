r"""One training loop for all lectures: :func:`fit` returns a :class:`History`.

Mini-batch descent on :math:`L(\theta) = \frac1n \sum_i \ell(f_\theta(x_i), y_i)`: in each step
:math:`\theta \leftarrow \theta - \eta \nabla \frac1B \sum_{i \in \text{batch}} \ell(f_\theta(x_i), y_i)`,
or whatever the given optimizer makes of that gradient.  Loops of another shape (masks on a
graph, rewards, two players, several processes) are built from :func:`step` and :func:`update`.

``batches`` says what a batch is and draws them, ``steps`` takes one step, ``loop`` many,
``games`` those of two players in turn; ``arguments`` and ``plan`` refuse what cannot be
trained, ``state`` remembers, ``checkpoints`` survive a killed process, ``weights`` knows how
much each sample counts in a loss, ``evaluation`` measures a trained model.
"""

from dlhelpers.training import checkpoints
from dlhelpers.training.batches import Data, batches_of_epoch
from dlhelpers.training.evaluation import accuracy, evaluate, modes_kept, predict
from dlhelpers.training.games import GameHistory, Player, play
from dlhelpers.training.loop import fit
from dlhelpers.training.state import EarlyStopping, History
from dlhelpers.training.steps import Stepper, step, update
from dlhelpers.training.weights import weights_of

__all__ = ["Data", "EarlyStopping", "GameHistory", "History", "Player", "Stepper", "accuracy", "batches_of_epoch",
           "checkpoints", "evaluate", "fit", "modes_kept", "play", "predict", "step", "update", "weights_of"]
