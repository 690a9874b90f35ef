--- repro test: the tests of the Lua part.
local failure = require "repro.failure"
local files = require "repro.files"

local test = {
  name = "test",
  usage = "[FILE or NAME...]",
  summary = "Runs tests/lua/test_*.lua, or those named, and prints their results as TAP.",
  options = {
    { name = "quiet", short = "q", help = "only failures and the closing line" },
  },
}

-- tests/lua lies beside lua/ in the source tree; it is not installed.
local function test_directory()
  local root = debug.getinfo(1, "S").source:match "^@(.*)/lua/repro/cli/test%.lua$" or "."
  for _, directory in ipairs { root .. "/tests/lua", "tests/lua" } do
    if files.exists(directory .. "/run.lua") then return directory end
  end
  failure.raise("environment", "the tests are part of the source tree, not of an installed repro")
end

--- Runs the command.
---@return integer code
function test.run(given, rest)
  local directory = test_directory()
  local runner = assert(loadfile(directory .. "/run.lua"))(directory)
  return runner(rest, { quiet = given.quiet })
end

return test
