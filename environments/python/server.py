"""Entry point of the Python runtime: listens, loads one function, serves it."""

import os
import sys

sys.path.pop(0)  # The function's modules may have any name, also one of ours.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    from hotpod_runtime.process import run
finally:
    sys.path.pop(0)

if __name__ == "__main__":
    sys.exit(run(os.environ))
