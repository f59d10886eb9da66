"""A pretend accelerator: torch device "pretend", held in main memory, as strict as Apple's mps.

A tensor on it wraps a CPU tensor.  torch believes that it lies on another device, so
autograd, modules, optimisers, ``torch.func`` and checkpoints take the paths that they take
on a GPU; every operation is checked and then computed by the CPU's kernels, so that results
equal the CPU's.  What raises here, as on cuda and mps:

==================================================  ==========================================
float64 and complex128 on the device                TypeError (mps only; cuda allows them)
operations without an mps kernel, by torch's table  NotImplementedError (mps only)
a CPU tensor and a device tensor in one operation   RuntimeError
``.numpy()``, ``np.asarray`` of a device tensor     TypeError, needs ``.cpu()``
a CPU generator for numbers drawn on the device     RuntimeError
==================================================  ==========================================

What torch allows across devices is allowed: ``copy_`` (and so ``x[2:5] = cpu_tensor``),
CPU tensors without axes in elementwise operations, as values of ``fill_``, ``masked_fill`` and
``index_put_``, and CPU tensors as indices.  Not imitated: streams, autocast, memory limits,
kernels whose rounding differs, ``resize_`` on the device (an error of its own).

::

    with pretend.pretending() as device:     # runtime.start() returns it too
        model.to(device)

``python tests/pretend_device.py 07`` runs a lecture on it (see ``pretend.lectures``).
"""

from pretend.device import pretending
from pretend.tensor import NAME, PretendTensor, operations

__all__ = ["NAME", "PretendTensor", "operations", "pretending"]
