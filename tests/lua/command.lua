--- Commands, for tests: command lines of repro in this process, programs in others.
-- luacheck: ignore 122
local cli = require "repro.cli"

local command = {}

local function catcher(list)
  local stream = {}
  function stream.write(_, ...)
    for _, text in ipairs { ... } do list[#list + 1] = tostring(text) end
    return stream
  end
  function stream.flush() return stream end
  return stream
end

--- Runs a command line of repro in this process with the streams caught.
---@return integer code
---@return string stdout
---@return string stderr
function command.run(...)
  local out, err, stdout, stderr = {}, {}, io.stdout, io.stderr
  io.stdout, io.stderr = catcher(out), catcher(err)
  local ok, code = pcall(cli, { ... })
  io.stdout, io.stderr = stdout, stderr
  if not ok then error(code, 0) end
  return code, table.concat(out), table.concat(err)
end

--- What a shell's command prints, to the last byte.
function command.output(words)
  local pipe = assert(io.popen(words))
  local text = pipe:read "a"
  pipe:close()
  return text
end

--- The same without the space at its end.
function command.shell(words) return (command.output(words):gsub("%s+$", "")) end

--- The program that runs this test; it is repro only where its path ends in "/repro".
command.program = command.shell "readlink /proc/$PPID/exe 2>/dev/null"

return command
