def main():
    = 5
