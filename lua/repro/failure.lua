--- Errors that carry a kind, from which the command line takes its exit code.
---
---   check        1   a check failed
---   usage        2   wrong command line or script
---   environment  3   this machine or build cannot do it
---   data         4   data missing, or its hash is wrong
---   interrupted  5   stopped by the user
---
--- Any other error of a script counts as `usage`.
local failure = {}

local exit_codes = { check = 1, usage = 2, environment = 3, data = 4, interrupted = 5 }

local meta = { __name = "failure" }
function meta.__tostring(self) return self.message end

--- A failure object; raise it with error(object, 0).
---@param kind "usage"|"environment"|"data"|"interrupted"|"check"
---@param message string
---@return table failure {kind, message, code}
function failure.new(kind, message)
  return setmetatable({ kind = kind, message = message, code = assert(exit_codes[kind], kind) }, meta)
end

--- Raises a failure.
---@param kind "usage"|"environment"|"data"|"interrupted"|"check"
---@param message string a format for string.format
function failure.raise(kind, message, ...)
  error(failure.new(kind, select("#", ...) > 0 and message:format(...) or message), 0)
end

---@return boolean is_failure whether a value is a failure object
function failure.is(value)
  return getmetatable(value) == meta
end

--- A failure from any error value: a failure as it is, "interrupted" as raised on Ctrl-C, all else `usage`.
---@param value any an error value
---@return table failure
function failure.from(value)
  if failure.is(value) then return value end
  local message = tostring(value)
  if message:match "^interrupted" or message:match ":%d+: interrupted" then
    return failure.new("interrupted", message)
  end
  if message:find("cuda:%d+ is lost") or message:find("cuda:%d+ was lost") then return failure.new("environment", message) end
  return failure.new("usage", message)
end

--- The text of an error without the place in the package where it was raised.
---@param value any an error value
---@return string
function failure.plain(value)
  return (tostring(value):gsub("^[^\n:]-:%d+: ", "", 1))
end

return failure
