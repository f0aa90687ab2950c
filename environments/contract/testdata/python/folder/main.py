from lib import greeting


def main():
    return f"{greeting} from main\n"


def other():
    return f"{greeting} from other\n"
