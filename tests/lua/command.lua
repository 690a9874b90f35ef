--- Commands, for tests: command lines of repro in this process, programs in others.
-- luacheck: ignore 122
local T = require "tap"
local cli = require "repro.cli"
local rp = require "repro"

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

--- Whether that program is repro, which a test that starts it again needs; if not, what it would have tested is skipped.
---@param what string
---@return string|nil program
function command.needs_program(what)
  if command.program:find "/repro$" then return command.program end
  T.skip("this is not the program repro (" .. command.program .. ")", what)
  return nil
end

--- A new folder of the test's own, in memory where there is such a place.
---@return string path
function command.folder()
  local path = os.tmpname()
  os.remove(path)
  if rp.io.exists "/dev/shm" then path = "/dev/shm/" .. path:match "[^/]+$" end
  rp.io.mkdir(path)
  return path
end

--- The root of the project: papers/, experiments/, tests/.
command.root = (debug.getinfo(1, "S").source:match "^@(.*)/tests/lua/command%.lua$" or ".")

return command
