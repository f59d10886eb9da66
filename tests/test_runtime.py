"""Devices are chosen by argument, environment, machine, in this order; seeds are explicit."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from dlhelpers import runtime


def test_start_makes_the_three_generators_repeat():
    draws = []
    for _ in range(2):
        runtime.start(seed=7, device="cpu")
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]


def test_the_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("DLHELPERS_DEVICE", "tpu")
    assert runtime.choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="DLHELPERS_DEVICE must be one of cpu, cuda, mps, got 'tpu'"):
        runtime.choose_device()


@pytest.mark.parametrize("device", ["tpu", "CPU", "gpu", "", "cpu:x", "cuda:99", "mps:7x", "cpu:7", "cpu:1"])
def test_unknown_devices(device, monkeypatch):
    monkeypatch.delenv("DLHELPERS_DEVICE", raising=False)
    with pytest.raises(ValueError, match="device"):
        runtime.choose_device(device)


def test_the_environment_is_checked_alike(monkeypatch):
    monkeypatch.setenv("DLHELPERS_DEVICE", "cpu:7")
    with pytest.raises(ValueError, match="DLHELPERS_DEVICE asks for 'cpu:7', but cpu has 1 device"):
        runtime.start()
    assert runtime.start(device="cpu:0") == torch.zeros(1).device


@pytest.mark.parametrize("code, policy", [
    ("from dlhelpers import data, runtime", "passive"), ("import torch; from dlhelpers import runtime", "not set"),
    ("import os; os.environ['OMP_WAIT_POLICY'] = 'ACTIVE'; from dlhelpers import runtime", "active")])
def test_threads_wait_passively_if_the_package_comes_before_torch(code, policy):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code + "; print(runtime.describe()['waiting'])"], env=environment,
                          capture_output=True, text=True, check=True)
    assert done.stdout.startswith(policy)


@pytest.mark.parametrize("device", [0, 1.5, ["cpu"], torch.device("cpu")], ids=repr)
def test_a_device_is_a_string(device):
    with pytest.raises(TypeError, match="device must be a string"):
        runtime.choose_device(device)


def test_what_this_machine_lacks_is_refused(monkeypatch):
    monkeypatch.setattr(runtime, "available", lambda: ["cpu"])
    with pytest.raises(ValueError, match="this machine has only: cpu"):
        runtime.choose_device("cuda")


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range(seed):
    with pytest.raises(ValueError, match="seed must lie in"):
        runtime.start(seed=seed)


@pytest.mark.parametrize("seed", ["0", 0.5, None, True])
def test_seeds_of_another_type(seed):
    with pytest.raises(TypeError, match="seed must be an integer"):
        runtime.start(seed=seed)


@pytest.mark.parametrize("threads, error", [(0, ValueError), (-2, ValueError), (1.0, TypeError), (True, TypeError)])
def test_bad_threads(threads, error):
    with pytest.raises(error, match="threads"):
        runtime.start(threads=threads)


def test_describe_is_text():
    assert all(isinstance(value, str) and value for value in runtime.describe().values())
