"""Every peer in an environment of its own: speed, memory and quality, as a table.

Command: ``python benchmarks/peers/run.py [FOLDER]``. Environments are made in FOLDER (default: one
beside the directory for temporary files) and used again. Real images need ``REBALANCE_TEST_DATA``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import rebalance
from rebalance.metrics import adjusted_rand_index

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from stacks import mixture  # noqa: E402

PEERS = ("opencv_loop", "skimage_polar", "aspire_align")
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
ISAC = 1256  # pairs/s of SPHIRE ISAC's polar matcher, one thread, measured before


def python_of(peer: str, folder: Path) -> Path:
    """The Python of a peer's environment, which is made where it is not there."""
    place = folder / peer
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        pinned = str(HERE / f"{peer}.txt")
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", pinned], check=True)
    return python


def make_task(path: Path) -> NDArray[np.int32]:
    """Real images for speed, generated ones of known views for quality; their labels."""
    made = rebalance.simulate(
        rebalance.SimulationSettings(
            averages=60, views=10, box=64, pixel_size=3.0, particles=6000, snr=1.5, seed=4
        )
    )
    np.savez(path, real=mixture()[0].astype(np.float32), labelled=made.images)
    return np.asarray(made.label)


def asked(python: Path | str, script: str, *words: str) -> str:
    """What a script prints."""
    done = subprocess.run(
        [str(python), str(HERE / script), *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | ONE_THREAD,
    )
    return done.stdout.strip().splitlines()[-1]


def quality(values: NDArray[np.float64], label: NDArray[np.int32]) -> tuple[float, float]:
    """Area under ROC of "same view", and agreement of superclasses at the true number."""
    pairs = np.triu_indices(len(label), 1)
    same = label[pairs[0]] == label[pairs[1]]
    values = np.clip((values + values.T) / 2, 0, 1)
    found = rebalance.superclassify(values, len(set(label.tolist()))).labels
    return roc_auc_score(same, values[pairs]), adjusted_rand_index(label, found)


def main() -> None:
    """Measure all, print the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir() + "/rebalance-peers")
    folder.mkdir(parents=True, exist_ok=True)
    task = folder / "task.npz"
    label = make_task(task)
    ways = {"rebalance": (sys.executable, "rebalance_search.py", [])}
    ways["rebalance, exhaustive"] = (sys.executable, "rebalance_search.py", ["exhaustive"])
    ways |= {peer: (python_of(peer, folder), f"{peer}.py", []) for peer in PEERS}
    print("| who | pairs/s | times ISAC's | area under ROC | ARI | MB |\n|---|---|---|---|---|---|")
    for name, (python, script, more) in ways.items():
        out = folder / f"{script}.{len(more)}.npy"
        told = json.loads(asked(python, script, str(task), str(out), *more))
        rate = told["pairs"] / told["seconds"]
        auc, ari = quality(np.load(out, allow_pickle=False).astype(np.float64), label)
        row = f"{rate:,.0f} | {rate / ISAC:.2g} | {auc:.4f} | {ari:.3f} | {told['memory']:.0f}"
        print(f"| {name} | {row} |", flush=True)
    spectral(folder, label)


def spectral(folder: Path, label: NDArray[np.int32]) -> None:
    """scikit-learn's grouping of our affinity."""
    ours, theirs = folder / "rebalance_search.py.0.npy", folder / "labels.npy"
    number = len(set(label.tolist()))
    script = "sklearn_spectral.py"
    seconds = asked(
        python_of("sklearn_spectral", folder), script, str(ours), str(number), str(theirs)
    )
    ari = adjusted_rand_index(label, np.load(theirs, allow_pickle=False))
    print(f"\nscikit-learn on our affinity: ARI {ari:.3f}, {float(seconds):.3f} s")


if __name__ == "__main__":
    main()
