from container.__main__ import leave, main
from model.engines.registry import ENGINES, Entry

ENGINES["mirror"] = Entry("tryon", "tests.mirror.engine:Mirror")

if __name__ == "__main__":
    leave(main(module="tests.mirror"))
