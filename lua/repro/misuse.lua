--- One way to raise an error: the message carries the file and line of the script that called the package,
--- not those of the package's own function in which the mistake was noticed.

local here = debug.getinfo(1, "S").source:match("^(.*)misuse%.lua$") or "@lua/repro/"

---@return integer level of the first caller outside the package, as seen from the function that asks
local function caller_level()
  local level = 3
  while true do
    local info = debug.getinfo(level, "S")
    if not info then return 2 end
    if info.what ~= "C" and info.source:sub(1, #here) ~= here then return level - 1 end
    level = level + 1
  end
end

---Raises string.format(message, ...) at the line of the script that called the package.
---@param message string a format, as for string.format
local function misuse(message, ...)
  local text = select("#", ...) > 0 and message:format(...) or message
  error(text, caller_level())
end

return misuse
