"""What all tests share: no network, one thread, bits that no address changes, early garbage, and no deadlines."""

import gc
import os

from hypothesis import HealthCheck, settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's threads of several test processes would wait for one another

# Else MKL rounds by where in memory a matrix lies, on processors without AVX-512: a mapped file's lie elsewhere.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # how fast the machine is, is no question here


def pytest_collection_finish() -> None:
    """What was imported and collected, a million objects, lives until the end: collecting garbage passes it by.

    Weights that are given back have their garbage collected, and so has every engine that is closed.
    """
    gc.collect()
    gc.freeze()
