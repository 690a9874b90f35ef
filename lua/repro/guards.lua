--- Functions of a script's libraries through which the sign of a NaN, the garbage collector or the version of Lua would
--- show.  (The sign of 0/0 is set on x86 and clear on ARM.)
local misuse = require "repro.misuse"

local guards = {}

local nan = string.unpack("<d", "\0\0\0\0\0\0\xf8\x7f")

-- The arguments, every NaN among them the same one.
local function one_nan(...)
  local values = table.pack(...)
  for i = 1, values.n do
    if values[i] ~= values[i] and type(values[i]) == "number" then values[i] = nan end
  end
  return table.unpack(values, 1, values.n)
end

--- string.pack, which writes every NaN with the same bits.
function guards.pack(form, ...) return string.pack(form, one_nan(...)) end

--- Arguments of a write: a NaN as the text "nan".
function guards.words(...)
  local values = table.pack(one_nan(...))
  for i = 1, values.n do
    if values[i] ~= values[i] then values[i] = "nan" end
  end
  return table.unpack(values, 1, values.n)
end

--- table.concat, in which a NaN is the text "nan".
function guards.concat(list, separator, i, j)
  if type(list) ~= "table" then return table.concat(list, separator, i, j) end
  local clean
  for k = i or 1, j or #list do
    if list[k] ~= list[k] then
      clean = clean or table.move(list, i or 1, j or #list, i or 1, {})
      clean[k] = "nan"
    end
  end
  return table.concat(clean or list, separator, i, j or #list)
end

--- string.dump is refused: its bytes belong to one version of Lua.
function guards.dump() misuse "string.dump: the bytes of a compiled function differ between versions of Lua" end

--- setmetatable, without what follows the garbage collector, whose time depends on the memory of the machine.
function guards.setmetatable(object, meta)
  if type(meta) == "table" then
    for _, key in ipairs { "__gc", "__mode" } do
      if rawget(meta, key) ~= nil then
        misuse("setmetatable: %s follows the garbage collector, whose time differs from machine to machine", key)
      end
    end
  end
  return setmetatable(object, meta)
end

--- collectgarbage does what is asked and says nothing about it: always 0.
function guards.collectgarbage(option, ...)
  if option ~= "count" then collectgarbage(option or "collect", ...) end
  return 0
end

return guards
