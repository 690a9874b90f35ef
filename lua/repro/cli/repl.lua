--- repro repl: an interactive Lua in which the package is loaded as rp.
local rp = require "repro"
local console = require "repro.cli.console"
local options = require "repro.cli.options"
local sandbox = require "repro.sandbox"

local repl = {
  name = "repl",
  usage = "[--seed N]",
  summary = "An interactive Lua with the package as rp.  An expression shows its value; Ctrl-D ends it.",
  options = {
    { name = "seed", value = "N", integer = 0, default = 1, help = "seed of all random numbers" },
  },
}

-- A line from the terminal, with editing and history where the program was built with them.
local function read_line(prompt)
  if rp.core.readline and console.is_terminal(0) then return rp.core.readline(prompt) end
  if console.is_terminal(0) then
    io.stdout:write(prompt)
    io.stdout:flush()
  end
  return io.read "l"
end

local function is_incomplete(message) return message:find("<eof>", 1, true) ~= nil end

-- The chunk of one or more lines; nil at the end of the input.
local function read_chunk(env)
  local text = read_line "> "
  if not text then return nil end
  while true do
    local chunk = load("return " .. text:gsub("^%s*=", ""), "=stdin", "t", env)
    local message
    if not chunk then chunk, message = load(text, "=stdin", "t", env) end
    if chunk or not is_incomplete(message) then return chunk or function() error(message, 0) end end
    local more = read_line ">> "
    if not more then return function() error(message, 0) end end
    text = text .. "\n" .. more
  end
end

local function is_interrupt(message) return tostring(message):find "interrupted$" ~= nil end

--- Runs the command.
---@return integer code
function repl.run(given, rest)
  options.expect(repl, rest, 0, 0)
  rp.seed(given.seed)
  local env = sandbox.new { seed = given.seed }
  env.rp = rp
  if console.is_terminal(1) then io.stdout:write(("repro %s, %s, %s\n"):format(rp.version, _VERSION, rp.isa())) end
  for chunk in read_chunk, env do
    local values = table.pack(pcall(chunk))
    if values[1] and values.n > 1 then
      env.print(table.unpack(values, 2, values.n))
    elseif not values[1] then
      io.stderr:write(is_interrupt(values[2]) and "interrupted" or tostring(values[2]), "\n")
    end
    io.stdout:flush()
  end
  return 0
end

return repl
