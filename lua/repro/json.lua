--- JSON written in a defined order and layout, so that equal results give equal files.  (Read with rp.io.json_decode.)
local json = {}

local object_meta = {}

--- An object whose keys keep the order given.
---@param pairs_list table array of {key, value}; a nil value leaves the key out
---@return table
function json.object(pairs_list)
  return setmetatable(pairs_list, object_meta)
end

json.null = setmetatable({}, { __tostring = function() return "null" end })

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- Bytes that are not UTF-8 become "?": a reader would refuse the whole file.
local function quote(text)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  text = text:gsub('[%c"\\\127]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end)
  return '"' .. text .. '"'
end

--- The shortest decimal that reads back as the same double.
---@param x number
---@return string
function json.number(x)
  if math.type(x) == "integer" then return ("%d"):format(x) end
  if x ~= x then return "nan" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(x)
    if tonumber(text) == x then
      return text:find "[%.eEn]" and text or text .. ".0"
    end
  end
  return ("%.17g"):format(x)
end

local function sorted_keys(t)
  local keys = {}
  for key in next, t do
    if type(key) ~= "string" then error("json: a key is a " .. type(key) .. ", not a string", 0) end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local encode

local function encode_members(members, indent, open, close)
  if #members == 0 then return open .. close end
  local blank = open == "{" and " " or ""
  local flat = open .. blank .. table.concat(members, ", ") .. blank .. close
  if #flat + #indent <= 100 and not flat:find("\n", 1, true) then return flat end
  local inner = indent .. "  "
  return open .. "\n" .. inner .. table.concat(members, ",\n" .. inner) .. "\n" .. indent .. close
end

local function encode_object(list, indent)
  local members = {}
  for _, pair in ipairs(list) do
    if pair[2] ~= nil then
      members[#members + 1] = quote(pair[1]) .. ": " .. encode(pair[2], indent .. "  ")
    end
  end
  return encode_members(members, indent, "{", "}")
end

local function encode_table(t, indent)
  if t == json.null then return "null" end
  if getmetatable(t) == object_meta then return encode_object(t, indent) end
  if #t > 0 or next(t) == nil then
    local members = {}
    for i = 1, #t do members[i] = encode(t[i], indent .. "  ") end
    return encode_members(members, indent, "[", "]")
  end
  local list = {}
  for i, key in ipairs(sorted_keys(t)) do list[i] = { key, t[key] } end
  return encode_object(list, indent)
end

-- JSON has no NaN and no infinity: they are written as the strings "nan", "inf", "-inf".
function encode(value, indent)
  local kind = type(value)
  if kind == "table" then return encode_table(value, indent) end
  if kind == "string" then return quote(value) end
  if kind == "number" then
    local text = json.number(value)
    return text:find "^-?%d" and text or quote(text)
  end
  if kind == "boolean" then return tostring(value) end
  error("json: cannot write a " .. kind, 0)
end

--- JSON text of a value: objects from json.object (order kept) or tables with string keys (sorted), arrays,
--- strings, numbers (round-trip exactly), booleans, json.null.
---@param value any
---@return string
function json.encode(value)
  return encode(value, "")
end

--- JSON text on one line, for log files.
---@param value any
---@return string
function json.line(value)
  return (encode(value, ""):gsub("\n%s*", " "))
end

return json
