-- luacheck configuration: `make lint`
std = "lua54"
max_line_length = 132
self = false -- a method need not use its object
codes = true
files["tests/lua"] = { max_line_length = false }
