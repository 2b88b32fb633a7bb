"""What all tests share: no network, a repeatable number of threads, small checkpoints made once."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
