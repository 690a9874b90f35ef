--- LuaCATS annotations for editors (lua-language-server), made from the operation table and the sources' comments.
---
---     repro help --annotations docs/repro.d.lua
local rp = require "repro"
local doc = require "repro.doc"

local annotations = {}

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
  .. "until while"):gmatch "%a+" do
  keywords[word] = true
end

local types = { tensor = "Tensor|number", ["tensor?"] = "Tensor", tensors = "Tensor", int = "integer", dim = "integer",
                newdim = "integer", real = "number", flag = "boolean", dtype = "string", shape = "integer[]",
                ints = "integer|integer[]", dims = "integer|integer[]" }

--- Arguments of a row of the operation table: "x:tensor, slope:real=0.01", or names alone, which are tensors.
---@param text string
---@return table list array of {name, type, many, default, optional}
function annotations.arguments(text)
  local list = {}
  for item in (text .. ","):gmatch "%s*([^,]*)%s*," do
    local name, kind, default = item:match "^([%w_]+):?([%w?]*)=?(.*)$"
    if name then
      if kind == "" then kind = default ~= "" and "real" or "tensor" end
      list[#list + 1] = { name = keywords[name] and name .. "_" or name, type = types[kind] or "any", many = kind == "tensors",
                          default = default, optional = default ~= "" or kind == "tensor?" }
    end
  end
  return list
end

local function add_operation(out, op, first, prefix)
  if keywords[op.name] then return end                     -- reachable as rp["repeat"] only
  local args, names = annotations.arguments(op.args or ""), {}
  out[#out + 1] = "---" .. (op.formula or op.name)
  for i = first, #args do
    local arg = args[i]
    names[#names + 1] = arg.many and "..." or arg.name
    local default = arg.default ~= "" and " default " .. arg.default or ""
    out[#out + 1] = ("---@param %s%s %s%s"):format(names[#names], arg.optional and "?" or "", arg.type, default)
  end
  local results = {}
  for i = 1, op.n_out or 1 do results[i] = "Tensor" end
  out[#out + 1] = "---@return " .. table.concat(results, ", ")
  out[#out + 1] = ("function %s%s(%s) end\n"):format(prefix, op.name, table.concat(names, ", "))
end

local function takes_tensor_first(op)
  local first = annotations.arguments(op.args or "")[1]
  return first and first.type:find "^Tensor" and not first.many
end

local function add_comment(out, entry)
  for _, line in ipairs(entry.text) do out[#out + 1] = "---" .. line end
  for _, param in ipairs(entry.params) do
    local optional = param.optional and "?" or ""
    out[#out + 1] = ("---@param %s%s %s %s"):format(param.name, optional, param.type, param.text):gsub("%s+$", "")
  end
  for _, text in ipairs(entry.returns) do out[#out + 1] = "---@return " .. text end
end

local header = [[
---@meta
-- Made by `repro help --annotations FILE`; not written by hand.

---@class Tensor
---@field shape integer[]
---@field ndim integer
---@field dtype string
---@field grad Tensor|nil
---@field requires_grad boolean
---@operator add(Tensor|number): Tensor
---@operator sub(Tensor|number): Tensor
---@operator mul(Tensor|number): Tensor
---@operator div(Tensor|number): Tensor
---@operator mod(Tensor|number): Tensor
---@operator idiv(Tensor|number): Tensor
---@operator pow(Tensor|number): Tensor
---@operator unm: Tensor
---@operator call: any
local Tensor = {}

---@class repro
local rp = {}

---@class P
local P = {}
]]

-- Tables rp.nn, rp.nn.initial, ... that the names of the entries stand in.
local function add_tables(out, entries)
  local seen = { rp = true, P = true, Tensor = true }
  local function declare(path)
    if seen[path] then return end
    local parent = path:match "^(.+)%.[^.]+$"
    if parent then declare(parent) end
    seen[path] = true
    out[#out + 1] = path .. " = {}"
  end
  for _, entry in ipairs(entries) do
    local owner = entry.name:match "^(.+)[.:][%w_]+$"
    if entry.kind == "class" then
      declare(owner)
      out[#out + 1] = ""
      add_comment(out, entry)
      out[#out + 1] = "---@class " .. entry.class
      out[#out + 1] = entry.name .. " = {}\n"
      seen[entry.name] = true
    elseif owner then
      declare(owner)
    end
  end
  out[#out + 1] = ""
end

local function add_entries(out, entries)
  for _, entry in ipairs(entries) do
    if entry.kind == "function" or entry.kind == "method" then
      add_comment(out, entry)
      out[#out + 1] = ("function %s%s end\n"):format(entry.name, entry.signature)
    elseif entry.kind == "value" then
      add_comment(out, entry)
      out[#out + 1] = entry.name .. " = nil\n"
    end
  end
end

local function derived_methods(out, entries)
  for _, entry in ipairs(entries) do
    local name, rest = entry.name:match "^rp%.([%w_]+)$", entry.signature and entry.signature:match "^%([%w_]+,?%s*(.-)%)$"
    if entry.kind == "function" and entry.file:find("/derived/", 1, true) and name and rest then
      for _, line in ipairs(entry.text) do out[#out + 1] = "---" .. line end
      out[#out + 1] = "---@return Tensor"
      out[#out + 1] = ("function Tensor:%s(%s) end\n"):format(name, rest)
    end
  end
end

--- The annotations as text.
---@return string
function annotations.text()
  local out, entries = { header }, doc.entries()
  add_tables(out, entries)
  for _, op in ipairs(rp.core.ops()) do
    add_operation(out, op, 1, "rp.")
    if takes_tensor_first(op) then add_operation(out, op, 2, "Tensor:") end
  end
  add_entries(out, entries)
  derived_methods(out, entries)
  out[#out + 1] = "return rp\n"
  return table.concat(out, "\n")
end

return annotations
