--- The command line: finds the command, reports its errors, gives the exit code.
local failure = require "repro.failure"
local nearest = require "repro.nearest"

-- Every command: name, and what it does in a line.  Each is the module repro.cli.NAME.
local commands = {
  { "run", "run a paper's script, check its numbers, write a report" },
  { "list", "the papers, their claims, their state from the last run" },
  { "info", "version, instruction set, threads, memory, features" },
  { "help", "help on a command, an operation or a library function" },
  { "weave", "make a script into a page to read" },
  { "pin", "write the numbers of the last run into the script's pins" },
  { "verify", "check a run's files; run it again and compare" },
  { "diff", "what differs between two runs" },
  { "data", "list, fetch and verify the public data sets" },
  { "new", "make a skeleton paper that runs" },
  { "test", "run the tests of the Lua part" },
  { "bench", "time operations and training steps" },
  { "repl", "an interactive Lua with the package loaded" },
}

local function command_names()
  local names = {}
  for i, row in ipairs(commands) do names[i] = row[1] end
  return names
end

local function overview()
  local lines = { "repro: papers as scripts that give the same bits on every machine", "",
                  "usage: repro COMMAND [options]", "" }
  for _, row in ipairs(commands) do lines[#lines + 1] = ("  %-7s %s"):format(row[1], row[2]) end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "repro COMMAND --help shows the options of a command; repro help NAME explains a function."
  return table.concat(lines, "\n") .. "\n"
end

--- A command by name.
---@param name string
---@return table|nil command
local function find_command(name)
  for _, row in ipairs(commands) do
    if row[1] == name then return require("repro.cli." .. name) end
  end
  return nil
end

local function dispatch(argv)
  local name = argv[1]
  if not name or name == "--help" or name == "-h" then
    io.stdout:write(overview())
    return name and 0 or 2
  end
  if name == "--version" then
    io.stdout:write("repro ", require("repro").version, "\n")
    return 0
  end
  local command = find_command(name)
  if not command then
    local is_script = name:find "%.lua$"
    failure.raise("usage", "unknown command %s%s", name,
      is_script and ("; to run a script: repro run %s"):format(name) or nearest.hint(name, command_names()))
  end
  local options = require "repro.cli.options"
  local given, rest = options.parse(command, table.move(argv, 2, #argv, 1, {}))
  given.shared = not rawequal(argv, arg)                   -- other runs will follow in this process
  if given.help then
    io.stdout:write(options.help(command))
    return 0
  end
  return command.run(given, rest, argv)
end

local function with_traceback(value)
  local found = failure.from(value)
  found.traceback = found.traceback or debug.traceback(found.message, 2)
  return found
end

local function wants_traceback(argv)
  for _, word in ipairs(argv) do
    if word == "--traceback" then return true end
    if word == "--" then return false end
  end
  return false
end

local function report(found, argv)
  io.stdout:flush()
  local paper = package.loaded["repro.paper"]
  if paper then paper.clear_progress() end
  io.stderr:write("repro: ", wants_traceback(argv) and found.traceback or found.message, "\n")
  return found.code
end

--- Runs a command line.
---@param argv string[] words after the program's name
---@return integer code for exit
local function main(argv)
  if rawequal(argv, arg) and os.getenv "REPRO_CONFINED" then require("repro.confine").inherit() end
  local ok, value = xpcall(dispatch, with_traceback, argv)
  if ok then return value end
  return report(value, argv)
end

return setmetatable({ commands = commands, overview = overview, find = find_command, names = command_names },
  { __call = function(_, argv) return main(argv) end })
