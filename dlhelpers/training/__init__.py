r"""One training loop for all lectures: :func:`fit` returns a :class:`History`.

Mini-batch descent on :math:`L(\theta) = \frac1n \sum_i \ell(f_\theta(x_i), y_i)`: in each step
:math:`\theta \leftarrow \theta - \eta \nabla \frac1B \sum_{i \in \text{batch}} \ell(f_\theta(x_i), y_i)`,
or whatever the given optimizer makes of that gradient.

``arguments`` refuses what cannot be trained, ``loop`` trains, ``state`` remembers,
``checkpoints`` survive a killed process, ``evaluation`` measures a trained model.
"""

from dlhelpers.training.evaluation import accuracy, evaluate, hits, predict
from dlhelpers.training.loop import Data, batches_of_epoch, fit
from dlhelpers.training.state import EarlyStopping, History

__all__ = ["Data", "EarlyStopping", "History", "accuracy", "batches_of_epoch", "evaluate", "fit", "hits", "predict"]
