"""Helpers for thirty deep-learning lecture notebooks.

The object that a lecture teaches is written in its notebook, in the open; this
package holds what an earlier lecture has taught.  Import modules, not names:
``from dlhelpers import claims, data, training``.

From the bottom to the top (imports point downward only):

========================  ====================================================
``checks``                argument checks that raise readable errors
``files``                 atomic writes, hashes, where data lives
``progress``              progress bars that can be silenced
``numerics``              σ and softmax without overflow, Newton's method
------------------------  ----------------------------------------------------
``runtime``               ``start(seed)``: seeds, device, threads
``claims``                ``claim()``: a statement that the machine checks
``metrics``               accuracy, ROC, calibration, SSIM, distances of samples
``objectives``            functions with known smoothness and minimiser
``autograd``              a scalar reverse-mode engine
``data``                  digits, toy sets, downloads
``models``                networks that earlier lectures have built
------------------------  ----------------------------------------------------
``descent``               iterates of optimisers, and the bounds they obey
``training``              one step, one ``fit()`` loop, games, checkpoints
``landscapes``            loss surfaces, trajectories in them, Hessian spectra
``patterns``              reaction and diffusion: Turing, Gray and Scott
``adversarial``           tangent kernel, two-layer game, point statistics
------------------------  ----------------------------------------------------
``runs``                  recorded experiments: results with their provenance
``notebooks``             notebooks as files
``plotting``              arrays in, Axes out
``widgets``               explorers: live pictures with sliders
``exercises``             checkers that answer back
``commands``              one module a command
========================  ====================================================

``python -m dlhelpers`` lists the commands.
"""

import os as _os
import sys as _sys

__version__ = "0.1.0"

# Read once, when torch loads; see runtime.  Later it would only look as if it were so.
if "torch" not in _sys.modules:
    _os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
