# Answers every request with a greeting.
def main():
    return "Hello, world!\n"
