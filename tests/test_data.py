"""Digits and toy sets: scikit-learn, geometry and the known facts of MNIST as oracles."""

import gzip
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dlhelpers import data, files
from dlhelpers.data import downloads, mnist, toy

SETS = [toy.moons, toy.rings, toy.mixture, toy.blobs, toy.separable, toy.xor, toy.spirals]


def real_mnist() -> Path:
    """Folder of the real files; the test is skipped where there is none."""
    places = [*files.data_places(), files.ROOT.parent / "shared" / "data"]
    for place in places:
        if all(mnist.locate(place / "mnist", name) for name in mnist.PARTS):
            return place / "mnist"
    pytest.skip("real MNIST is not on disk: python -m dlhelpers fetch mnist")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A folder of links to the real files, which DLHELPERS_DATA points at; one may be replaced."""
    source = real_mnist()
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name in mnist.PARTS:
        path = mnist.locate(source, name)
        (folder / path.name).symlink_to(path)
    monkeypatch.setenv("DLHELPERS_DATA", str(tmp_path))
    return folder


def replace(folder: Path, name: str, change) -> Path:
    """Put a changed copy of a compressed file in the place of its link."""
    path = folder / f"{name}.gz"
    content = (path if path.is_symlink() else mnist.locate(folder, name)).read_bytes()
    path.unlink()
    path.write_bytes(change(content))
    return path


# ------------------------------------------------------------------ the shipped digits


def test_bundled_digits_have_the_promised_form():
    digits = data.digits("bundled")
    assert isinstance(digits, data.Digits) and digits.name == "bundled digits"
    assert digits.X_train.shape == (1500, 784) and digits.X_test.shape == (297, 784)
    for X, y in ((digits.X_train, digits.y_train), (digits.X_test, digits.y_test)):
        assert X.dtype == torch.float32 and y.dtype == torch.int64 and len(X) == len(y)
        assert X.min() == 0 and X.max() == 1 and set(y.tolist()) == set(range(10))
    assert "1500" in repr(digits) and "297" in repr(digits)


def test_bundled_digits_are_those_of_scikit_learn():
    from scipy.optimize import linear_sum_assignment
    from sklearn.datasets import load_digits

    source = load_digits()
    digits = data.digits("bundled")
    images = torch.cat([digits.images("train"), digits.images("test")])
    labels = torch.cat([digits.y_train, digits.y_test]).numpy()
    # Averaging the 28x28 pixels over each of the 8x8 areas nearly undoes the resampling.
    # Some source images nearly coincide, so the pairs are found for all at once.
    pooled = torch.nn.functional.adaptive_avg_pool2d(images, 8).flatten(1)
    original = torch.tensor(source.data / 16, dtype=torch.float32)
    # Root mean square over the 64 pixels.
    distance = (torch.cdist(pooled, original) / 8).numpy()
    row, match = linear_sum_assignment(distance)
    assert (labels == source.target[match]).all()
    # The images are fixed, and so is the blur that pooling adds: 0.118 at worst.
    assert distance[row, match].max() < 0.12
    # torch's antialiased bicubic has the same kernel, and treats only the rim otherwise:
    # inside, the two differ by the rounding to 64ths alone.
    theirs = torch.nn.functional.interpolate(original[match].reshape(-1, 1, 8, 8), size=(28, 28), mode="bicubic",
                                             antialias=True).clip(0, 1)
    inside = (images - theirs)[row, :, 5:-5, 5:-5].abs().max()
    assert 0 < inside <= 0.5 / 64 + 1e-6


def test_the_split_is_stratified():
    digits = data.digits("bundled")
    counts = torch.bincount(digits.y_test, minlength=10)
    all_counts = counts + torch.bincount(digits.y_train, minlength=10)
    assert ((counts - 297 * all_counts / 1797).abs() < 1).all()


def test_the_script_makes_the_shipped_arrays(tmp_path):
    shutil.copy(files.ROOT / "data" / "make_digits.py", tmp_path)
    subprocess.run([sys.executable, tmp_path / "make_digits.py"], check=True, cwd=files.ROOT, capture_output=True)
    with np.load(tmp_path / "digits.npz") as made, np.load(files.shipped("digits.npz")) as shipped:
        assert sorted(made.files) == sorted(shipped.files)
        for key in made.files:
            np.testing.assert_array_equal(made[key], shipped[key])


def test_images_are_a_view_and_numpy_is_a_copy():
    digits = data.digits("bundled")
    assert digits.images("test").shape == (297, 1, 28, 28)
    assert digits.images().data_ptr() == digits.X_train.data_ptr()
    torch.testing.assert_close(digits.images()[3, 0, 5], digits.X_train[3, 5 * 28:6 * 28])
    arrays = digits.numpy()
    assert isinstance(arrays.X_train, np.ndarray) and arrays.y_test.dtype == np.int64 and arrays.name == digits.name
    arrays.X_train[:] = 7
    assert digits.X_train.max() == 1
    assert arrays.images("test").shape == (297, 1, 28, 28)
    assert digits.to("cpu").X_train.device.type == "cpu" and digits.to(torch.device("meta")).X_train.is_meta


def test_two_calls_share_nothing():
    first = data.digits("bundled")
    first.X_train.zero_()
    assert data.digits("bundled").X_train.max() == 1


def test_none_means_the_environment_else_bundled(monkeypatch, tmp_path):
    monkeypatch.delenv("DLHELPERS_DIGITS", raising=False)
    assert data.digits().name == "bundled digits"
    monkeypatch.setenv("DLHELPERS_DIGITS", "")
    assert data.digits().name == "bundled digits"
    monkeypatch.setenv("DLHELPERS_DIGITS", "svhn")
    with pytest.raises(ValueError, match="DLHELPERS_DIGITS.* must be one of 'bundled', 'mnist', got 'svhn'"):
        data.digits()
    monkeypatch.setenv("DLHELPERS_DIGITS", "mnist")
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.delenv("DLHELPERS_DATA", raising=False)
    with pytest.raises(FileNotFoundError):
        data.digits()


def test_a_damaged_shipped_file_is_named(monkeypatch, tmp_path):
    content = bytearray(files.shipped("digits.npz").read_bytes())
    content[len(content) // 2] ^= 1
    files.write_bytes(tmp_path / "data" / "digits.npz", bytes(content))
    monkeypatch.setattr(files, "ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"digits\.npz is damaged"):
        data.digits("bundled")


def test_importing_data_is_light():
    code = "import sys; from dlhelpers import data; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["sklearn", "scipy", "pooch", "requests", "matplotlib", "pandas"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_readme_gives_the_hash_of_every_shipped_file():
    folder = files.ROOT / "data"
    text = (folder / "README.md").read_text(encoding="utf-8")
    given = dict(re.findall(r"`([\w./-]+)`[^\n]*`([0-9a-f]{64})`", text))
    shipped = {str(path.relative_to(folder)): files.digest(path) for path in folder.rglob("*")
               if path.is_file() and path.suffix in (".npz", ".csv", ".txt", ".gz", ".json")
               and path.relative_to(folder).parts[0] not in ("runs", "audit", "mnist")}
    assert given == shipped
    assert given["digits.npz"] == sys.modules["dlhelpers.data.digits"].SHA256


# ------------------------------------------------------------------ real MNIST


def test_mnist_is_the_real_thing(copied):
    digits = data.digits("mnist")
    assert digits.name == "MNIST"
    assert digits.X_train.shape == (60_000, 784) and digits.X_test.shape == (10_000, 784)
    assert digits.X_train.dtype == torch.float32 and digits.y_train.dtype == torch.int64
    assert digits.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert digits.X_train.min() == 0 and digits.X_train.max() == 1
    # Mean and standard deviation that everybody normalises MNIST with.
    assert digits.X_train.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert digits.X_train.std().item() == pytest.approx(0.3081, abs=1e-4)


def test_uncompressed_files_are_read_too(copied):
    for name in mnist.PARTS:
        compressed = copied / f"{name}.gz"
        if compressed.exists() and "labels" in name:
            (copied / name).write_bytes(gzip.decompress(compressed.read_bytes()))
            compressed.unlink()
    parts = mnist.load(copied)
    assert parts["t10k-labels-idx1-ubyte"][:5].tolist() == [7, 2, 1, 0, 4]
    assert {name: array.shape for name, array in parts.items()} == {n: p.shape for n, p in mnist.PARTS.items()}


def flip_inside(content: bytes) -> bytes:
    plain = bytearray(gzip.decompress(content))
    plain[-7] ^= 1
    return gzip.compress(bytes(plain), compresslevel=1, mtime=0)


def flip_raw(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("change, reason", [
    (flip_inside, "its MD5 is"),
    (flip_raw, "damaged"),
    (lambda content: content[: len(content) // 2], "cut short"),
    (lambda content: content[:-1], "cut short"),
    (lambda content: b"", "0 bytes where"),
    (lambda content: content[:10], "cut short"),
    (lambda content: b"<html>not here</html>", "bytes where"),
    (lambda content: gzip.decompress(content)[:-1], "bytes where"),
    (lambda content: content + gzip.compress(bytes(100)), "more bytes"),
    (lambda content: content + b"rubbish", "cannot be decompressed"),
], ids=["flip-inside", "flip-raw", "half", "last-byte", "empty", "header", "html", "plain", "longer", "tail"])
@pytest.mark.parametrize("name", ["t10k-labels-idx1-ubyte", "train-labels-idx1-ubyte"])
def test_damage_is_detected_and_the_file_is_named(copied, name, change, reason):
    path = replace(copied, name, change)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} is damaged.*fetch mnist --to") as caught:
        mnist.read(copied, name)
    assert reason in str(caught.value)


def test_digits_refuses_a_file_with_one_flipped_byte(copied):
    path = replace(copied, "t10k-labels-idx1-ubyte", flip_inside)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        data.digits("mnist")
    path = replace(copied, "train-images-idx3-ubyte", flip_raw)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        data.digits("mnist")


@pytest.mark.parametrize("name", list(mnist.PARTS))
def test_a_missing_file_is_named_with_the_command(copied, name, monkeypatch, tmp_path):
    mnist.locate(copied, name).unlink()
    monkeypatch.setattr(files, "ROOT", tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=f"{name} missing.*python -m dlhelpers fetch mnist"):
        data.digits("mnist")


def test_without_mnist_the_message_holds_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.setenv("DLHELPERS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="python -m dlhelpers fetch mnist "):
        data.digits("mnist")
    # A folder of that name is not a file.
    for name in mnist.PARTS:
        (tmp_path / "data" / "mnist" / name).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="python -m dlhelpers fetch mnist "):
        data.digits("mnist")


def test_the_project_s_own_folder_is_found_too(copied, monkeypatch, tmp_path):
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    copied.rename(root / "data" / "mnist")
    monkeypatch.setattr(files, "ROOT", root)
    # An incomplete folder in front does not hide a complete one.
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(b"")
    assert mnist.find() == root / "data" / "mnist"
    assert mnist.command(mnist.find()) == "python -m dlhelpers fetch mnist"


# ------------------------------------------------------------------ toy sets


@pytest.mark.parametrize("make", SETS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [8, 101])
def test_toy_sets_have_the_promised_form(make, n):
    X, y = make(n)
    assert X.shape == (n, 2) and X.dtype == torch.float32 and torch.isfinite(X).all()
    assert y.shape == (n,) and y.dtype == torch.int64
    counts = torch.bincount(y)
    assert len(counts) >= 2 and counts.max() - counts.min() <= 1
    assert y.tolist() != sorted(y.tolist())


@pytest.mark.parametrize("make", [*SETS, toy.line], ids=lambda f: f.__name__)
def test_toy_sets_depend_on_their_seed_alone(make):
    state = torch.get_rng_state(), np.random.get_state()[1].copy()
    X, y = make(50, 0.1, 3)
    torch.manual_seed(99)
    again, labels = make(50, 0.1, seed=3)
    torch.testing.assert_close(X, again, rtol=0, atol=0)
    torch.testing.assert_close(y, labels, rtol=0, atol=0)
    torch.set_rng_state(state[0])
    other = make(50, 0.1, 4)
    assert not (torch.equal(other[0], X) and torch.equal(other[1], y))
    assert torch.equal(torch.get_rng_state(), state[0]) and (np.random.get_state()[1] == state[1]).all()
    rng = torch.Generator().manual_seed(3)
    torch.testing.assert_close(make(50, 0.1, rng), (X, y), rtol=0, atol=0)
    assert not torch.equal(rng.get_state(), torch.Generator().manual_seed(3).get_state())


def test_moons_are_half_circles():
    from sklearn.datasets import make_moons

    X, y = toy.moons(300, noise=0)
    upper, lower = X[y == 0], X[y == 1]
    torch.testing.assert_close(upper.norm(dim=1), torch.ones(150))
    torch.testing.assert_close((lower - torch.tensor([1, 0.5])).norm(dim=1), torch.ones(150))
    assert (upper[:, 1] >= -1e-6).all() and (lower[:, 1] <= 0.5 + 1e-6).all()
    # Every point lies beside one of scikit-learn's, class by class: 2 000 points on an arc of length pi.
    theirs, labels = make_moons(4000, noise=None)
    for k in (0, 1):
        nearest = torch.cdist(X[y == k], torch.tensor(theirs[labels == k], dtype=torch.float32)).min(1).values
        assert nearest.max() < math.pi / 2000


def test_rings_have_their_radii():
    X, y = toy.rings(300, 0, radii=(0.5, 1.0, 3.0))
    torch.testing.assert_close(X.norm(dim=1), torch.tensor([0.5, 1.0, 3.0])[y])


@pytest.mark.parametrize("arrangement, K", [("ring", 5), ("grid", 9)])
def test_mixture_components_have_their_mean_and_spread(arrangement, K):
    n = 2000 * K
    X, y = toy.mixture(n, 0.3, 0, K=K, arrangement=arrangement)
    centres = toy.centres(K, arrangement=arrangement)
    for k in range(K):
        part = X[y == k]
        # Five standard errors of a mean and of a standard deviation of 2 000 draws.
        assert (part.mean(0) - centres[k]).abs().max() < 5 * 0.3 / 2000**0.5
        assert (part.std(0) - 0.3).abs().max() < 5 * 0.3 / 4000**0.5


def test_centres_stand_where_they_should():
    torch.testing.assert_close(toy.centres(4, scale=3.0), torch.tensor([[3.0, 0], [0, 3], [-3, 0], [0, -3]]),
                               atol=1e-6, rtol=0)
    assert toy.centres(4, arrangement="grid", scale=1.0).tolist() == [[-1, -1], [1, -1], [-1, 1], [1, 1]]


def test_blobs_have_the_error_that_theory_gives():
    n = 20_000
    X, y = toy.blobs(n, noise=1.5, distance=3.0)
    error = ((X[:, 0] > 0).long() != y).double().mean().item()
    expected = 0.5 * math.erfc(3.0 / (2 * 1.5) / math.sqrt(2))
    assert abs(error - expected) < 5 * math.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("margin, angle, noise", [(0.5, 0.5, 1.0), (0.1, -2.0, 0.3), (2.0, 0.0, 0.0)])
def test_separable_sets_have_exactly_their_margin(margin, angle, noise, seed):
    from sklearn.svm import SVC

    X, y = toy.separable(60, noise, seed, margin=margin, angle=angle)
    w = torch.tensor([math.cos(angle), math.sin(angle)])
    # float32 rounding of coordinates of order ten
    assert ((2 * y - 1) * (X @ w)).min().item() == pytest.approx(margin, abs=1e-5)
    machine = SVC(kernel="linear", C=1e8).fit(X.double().numpy(), y.numpy())
    assert 1 / np.linalg.norm(machine.coef_) == pytest.approx(margin, rel=1e-2)


def test_xor_and_spirals_follow_their_formulas():
    X, y = toy.xor(500)
    assert torch.equal((X[:, 0] * X[:, 1] < 0).long(), y) and X.abs().max() <= 1
    assert ((toy.xor(500, noise=0.3)[0].prod(1) < 0).long() != toy.xor(500, noise=0.3)[1]).any()
    X, y = toy.spirals(300, 0, K=3, turns=2.0)
    r = X.norm(dim=1)
    assert r.min() >= 0.1 - 1e-6 and r.max() <= 1 + 1e-6
    wound = torch.atan2(X[:, 1], X[:, 0]) / (2 * math.pi) - (2.0 * r + y / 3)
    torch.testing.assert_close(wound, wound.round(), atol=1e-5, rtol=0)


def test_line_is_the_lecture_s():
    X, y = toy.line()
    assert X.shape == y.shape == (21, 1) and X.dtype == y.dtype == torch.float32
    assert X[:, 0].tolist() == list(range(-10, 11)) and torch.equal(y, 5 * X + 2)
    # The mean square of y is the first loss of the demo.
    assert y.square().mean().item() == pytest.approx(920.6667, abs=1e-3)
    n = 5000
    X, y = toy.line(n, noise=2.0, slope=-1.0, intercept=0.5, low=0, high=1)
    residual = y - (0.5 - X)
    assert abs(residual.mean().item()) < 5 * 2 / n**0.5
    assert residual.std().item() == pytest.approx(2, abs=5 * 2 / (2 * n)**0.5)


# ------------------------------------------------------------------ bad input

NAN, INF = float("nan"), float("inf")
SHARED = [({"n": 1}, ValueError, "n must be at least"), ({"n": 0}, ValueError, "n must be"),
          ({"n": -3}, ValueError, "n must be"), ({"n": 10.0}, TypeError, "n must be an integer"),
          ({"n": "10"}, TypeError, "n must be an integer"), ({"n": None}, TypeError, "n must be an integer"),
          ({"n": True}, TypeError, "n must be an integer"),
          ({"noise": -0.1}, ValueError, "noise must be"), ({"noise": NAN}, ValueError, "noise must be"),
          ({"noise": INF}, ValueError, "noise must be"), ({"noise": "a"}, TypeError, "noise must be"),
          ({"noise": [0.1, 0.2]}, TypeError, "noise must be"),
          ({"seed": -1}, ValueError, "seed must be"), ({"seed": 1.5}, TypeError, "seed must be"),
          ({"seed": None}, TypeError, "seed must be"), ({"seed": 2**63}, ValueError, "seed must be")]
OWN = [
    (toy.rings, {"radii": ()}, ValueError, "radii"), (toy.rings, {"radii": (1.0,)}, ValueError, "radii"),
    (toy.rings, {"radii": (1.0, -1.0)}, ValueError, "radii"), (toy.rings, {"radii": (1.0, NAN)}, ValueError, "radii"),
    (toy.rings, {"radii": "ab"}, TypeError, "radii"), (toy.rings, {"radii": 1.0}, ValueError, "radii"),
    (toy.rings, {"n": 2, "radii": (1, 2, 3)}, ValueError, "n must be at least 3"),
    (toy.mixture, {"K": 0}, ValueError, "K must"), (toy.mixture, {"K": 2.0}, TypeError, "K must"),
    (toy.mixture, {"K": 8, "n": 7}, ValueError, "n must be at least 8"),
    (toy.mixture, {"arrangement": "star"}, ValueError, "arrangement must"),
    (toy.mixture, {"arrangement": None}, ValueError, "arrangement must"),
    (toy.mixture, {"arrangement": "grid", "K": 8}, ValueError, "K must be a square"),
    (toy.mixture, {"scale": 0}, ValueError, "scale must"),
    (toy.centres, {"arrangement": "grid", "K": 1}, ValueError, "K must be a square"),
    (toy.centres, {"scale": INF}, ValueError, "scale must"),
    (toy.blobs, {"distance": 0}, ValueError, "distance must"), (toy.blobs, {"distance": "3"}, TypeError, "distance"),
    (toy.separable, {"margin": 0}, ValueError, "margin must"), (toy.separable, {"margin": -1}, ValueError, "margin"),
    (toy.separable, {"margin": NAN}, ValueError, "margin must"), (toy.separable, {"angle": INF}, ValueError, "angle"),
    (toy.separable, {"angle": "up"}, TypeError, "angle must"),
    (toy.spirals, {"K": 1}, ValueError, "K must"), (toy.spirals, {"turns": 0}, ValueError, "turns must"),
    (toy.spirals, {"turns": NAN}, ValueError, "turns must"),
    (toy.line, {"low": 1, "high": 1}, ValueError, "high must"), (toy.line, {"low": NAN}, ValueError, "low must"),
    (toy.line, {"slope": None}, TypeError, "slope must"), (toy.line, {"intercept": INF}, ValueError, "intercept"),
    (data.digits, {"source": "MNIST"}, ValueError, "source must be one of 'bundled', 'mnist', got 'MNIST'"),
    (data.digits, {"source": 3}, ValueError, "source must"), (data.digits, {"source": ""}, ValueError, "source must"),
    (data.digits, {"source": ["mnist"]}, ValueError, "source must"),
    (data.digits, {"source": True}, ValueError, "source must"),
    (mnist.load, {"folder": 3}, TypeError, "folder must"),
    (mnist.load, {"folder": "/no/such/folder"}, FileNotFoundError, "fetch mnist --to /no/such/folder"),
    (downloads.fetch_mnist, {"folder": 3}, TypeError, "folder must"),
    (downloads.fetch_mnist, {"folder": ""}, ValueError, "folder must"),
    (downloads.fetch_mnist, {"folder": __file__}, ValueError, "folder must be a folder"),
    (downloads.fetch_mnist, {"folder": __file__ + "/deeper"}, ValueError, "folder must be a folder"),
    (downloads.fetch_mnist, {"mirrors": "https://host/"}, TypeError, "mirrors must be a list"),
    (downloads.fetch_mnist, {"mirrors": []}, ValueError, "mirrors must not be empty"),
    (downloads.fetch_mnist, {"mirrors": None}, TypeError, "mirrors must be a list"),
    (downloads.fetch_mnist, {"mirrors": [3]}, TypeError, "mirrors"),
    (downloads.fetch_mnist, {"mirrors": ["host/mnist"]}, ValueError, "mirrors must hold addresses"),
    (downloads.fetch_mnist, {"mirrors": ["file:///etc/"]}, ValueError, "mirrors must hold addresses"),
    (downloads.fetch_mnist, {"mirrors": ["http://"]}, ValueError, "mirrors must hold addresses"),
    (downloads.fetch_mnist, {"mirrors": ["http://host:port/"]}, ValueError, "mirrors must hold addresses"),
    (downloads.fetch_mnist, {"mirrors": ["http://[::1/"]}, ValueError, "mirrors must hold addresses"),
    (downloads.fetch_mnist, {"timeout": 0}, ValueError, "timeout must"),
    (downloads.fetch_mnist, {"timeout": -1}, ValueError, "timeout must"),
    (downloads.fetch_mnist, {"timeout": NAN}, ValueError, "timeout must"),
    (downloads.fetch_mnist, {"timeout": "soon"}, TypeError, "timeout must"),
]


def no_request(*args, **kwargs):
    raise AssertionError("a bad argument must be refused before the network is used")


@pytest.mark.parametrize("call, arguments, error, message",
                         [(make, *case) for make in [*SETS, toy.line] for case in SHARED] + OWN)
def test_bad_input_is_refused_by_name(call, arguments, error, message, monkeypatch, tmp_path):
    monkeypatch.setattr(downloads, "_download", no_request)
    monkeypatch.setattr(files, "ROOT", tmp_path) if call is downloads.fetch_mnist else None
    with pytest.raises(error, match=re.escape(message)):
        call(**arguments)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("split", ["valid", "", None, 0])
def test_bad_splits_are_refused(split):
    with pytest.raises(ValueError, match="split must be one of 'train', 'test'"):
        data.digits("bundled").images(split)


@pytest.mark.parametrize("device, error", [("gpu", ValueError), ("cuda:99", ValueError), ("", ValueError),
                                           (3, TypeError)])
def test_bad_devices_are_refused(device, error):
    with pytest.raises(error, match="device must be"):
        data.digits("bundled").to(device)
