"""Golden values as a Lua table, for the generators beside this file."""
import os
import sys

import numpy as np


def lua(value):
    if isinstance(value, (list, np.ndarray)):
        return "{" + ",".join(lua(v) for v in value) + "}"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return repr(float(value))


def write(values):
    """Prints `return {name = value, ...}` of numbers, lists and arrays."""
    print(f"-- Written by {os.path.basename(sys.argv[0])}; see there.")
    print("-- luacheck: no max line length")
    print("return {")
    for name, value in values.items():
        print(f"  {name} = {lua(value)},")
    print("}")
