import os

HERE = os.path.dirname(os.path.realpath(__file__))


def line_files():
    return [f for f in os.listdir(os.path.join(HERE, "lines")) if f.endswith(".txt")]
