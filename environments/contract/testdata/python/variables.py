import os
import subprocess

# Read at load, so that it tells whether the variables were there by then.
GREETING, REPLACED = os.environ["GREETING"], os.environ["REPLACED"]


def main():
    child = subprocess.run(["printenv", "GREETING"], stdout=subprocess.PIPE, check=True)
    return "|".join([GREETING, REPLACED, child.stdout.decode().strip()])
