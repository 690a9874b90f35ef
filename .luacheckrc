-- luacheck configuration: `make lint`
std = "lua54"
max_line_length = 132
self = false -- a method need not use its object
codes = true
files["tests/lua"] = { max_line_length = false }

-- Scripts that `repro run` runs: prose is not wrapped, a letter may mean another thing in the next section, and math
-- has the functions of the sandbox.
local script = {
  ignore = { "421", "431" },
  max_line_length = 140,
  max_comment_line_length = false,
  read_globals = { math = { fields = { "pow", "expm1", "log1p", "log2", "log10", "exp2", "sinh", "cosh", "tanh", "erf", "erfc", "sigmoid" },
                            other_fields = false } },
}
files["papers"] = script
files["experiments"] = script
