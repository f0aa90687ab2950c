"""Says that it is reached by one file, and answers when another exists."""

import os
import time


def main():
    gate = os.environ["CONTRACT_GATE"]
    open(gate + ".reached", "w").close()
    while not os.path.exists(gate):
        time.sleep(0.005)
    return "through the gate"
