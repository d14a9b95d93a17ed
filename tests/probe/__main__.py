import os

from tests.probe.watch import VARIABLE, watch

if log := os.environ.get(VARIABLE):  # before anything else is imported
    watch(log)

from container.__main__ import leave, main
from model.engines.registry import ENGINES, Entry

ENGINES["probe"] = Entry("probe", "tests.probe.engine:Probe")

if __name__ == "__main__":
    leave(main(module="tests.probe"))
