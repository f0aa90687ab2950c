import gone


def main():
    return gone.name
