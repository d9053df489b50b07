"""`python -m bench`, which is what `make bench` runs: lets `bench.run` start its servers with the tests' helpers."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from bench.run import main

sys.exit(main())
