--- The local variables of a running function, by the places that the debug library gives them.
local frames = {}

--- The variables of the function at a level (1: the function that calls this) that are in scope there.
---@param level integer
---@return table frame {fn, slots = array of places, names, values = place -> value}; arguments beyond the named ones have
---  negative places
function frames.read(level)
  level = level + 1
  local frame = { fn = debug.getinfo(level, "f").func, slots = {}, names = {}, values = {} }
  local function take(slot)
    local name, value = debug.getlocal(level + 1, slot)
    if not name then return false end
    if slot < 0 or name:sub(1, 1) ~= "(" then              -- not the control variables of for loops
      local n = #frame.slots + 1
      frame.slots[n], frame.names[n], frame.values[slot] = slot, slot < 0 and "argument " .. -slot or name, value
    end
    return true
  end
  local slot = 1
  while take(slot) do slot = slot + 1 end
  slot = -1
  while take(slot) do slot = slot - 1 end
  return frame
end

--- A function and its arguments in the form of a frame.
---@param fn function
---@return table frame
function frames.of_call(fn, ...)
  local frame = { fn = fn, slots = {}, names = {}, values = {} }
  for i = 1, select("#", ...) do
    frame.slots[i], frame.names[i], frame.values[i] = i, "argument " .. i, (select(i, ...))
  end
  return frame
end

return frames
