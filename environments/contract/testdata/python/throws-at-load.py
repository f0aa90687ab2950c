def prepare():
    raise RuntimeError("boom at load")


prepare()
