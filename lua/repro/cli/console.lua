--- What the command line knows of the terminals it writes to.
local rp = require "repro"

local console = {}

--- Whether a stream is a terminal: 1 stdout, 2 stderr.
---@param descriptor integer
---@return boolean
function console.is_terminal(descriptor)
  return rp.core.isatty(descriptor)
end

--- Whether a line on a stream can be written over: a terminal that understands control sequences.
---@param descriptor integer
---@return boolean
function console.can_animate(descriptor)
  return console.is_terminal(descriptor) and os.getenv "TERM" ~= "dumb"
end

--- Whether to use colour on a stream: a terminal, and NO_COLOR not set.
---@param descriptor integer
---@return boolean
function console.has_colour(descriptor)
  local refused = os.getenv "NO_COLOR"
  return console.is_terminal(descriptor) and (refused == nil or refused == "") and os.getenv "TERM" ~= "dumb"
end

--- Asks a question on the terminal.
---@param question string
---@return boolean yes false where there is no terminal to ask on
function console.confirm(question)
  if not (console.is_terminal(0) and console.is_terminal(2)) then return false end
  io.stderr:write(question, " [y/N] ")
  io.stderr:flush()
  local answer = io.read "l"
  return answer ~= nil and answer:lower():find "^%s*y" ~= nil
end

return console
