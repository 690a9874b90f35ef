--- Documentation read from the `---` comments of the package's own sources.
---
---     for _, entry in ipairs(doc.entries()) do print(entry.name, entry.signature) end
local files = require "repro.files"

local doc = {}

local root = debug.getinfo(1, "S").source:match "^@(.*)/doc%.lua$" or "lua/repro"

-- Modules that scripts see; the rest is the engine's own.
local public = { "init", "derived", "io", table.unpack(require "repro.libraries") }

--- Sources of the public modules.
---@return table array of {module, stem (of a file inside the module's directory, or nil), path}
function doc.sources()
  local list = {}
  for _, module in ipairs(public) do
    if files.exists(root .. "/" .. module .. ".lua") then
      list[#list + 1] = { module = module, path = root .. "/" .. module .. ".lua" }
    end
    if module ~= "init" then
      for _, name in ipairs(files.list(root .. "/" .. module)) do
        local stem = name:match "^(.+)%.lua$"
        if stem then list[#list + 1] = { module = module, stem = stem, path = root .. "/" .. module .. "/" .. name } end
      end
    end
  end
  return list
end

local function module_name(module)
  return (module == "init" or module == "derived") and "rp" or "rp." .. module
end

-- The key under which a module's own file shows one of its parts, as nn.lua does with initial = require "repro.nn.initial".
local function key_of_part(source)
  if not source.stem then return nil end
  local parent = files.read(root .. "/" .. source.module .. ".lua") or ""
  return parent:match("([%w_]+)%s*=%s*require%s*\"repro%." .. source.module .. "%." .. source.stem .. "\"")
end

local function new_comment() return { text = {}, params = {}, returns = {} } end

local function read_param(rest)
  local name, optional, kind, text = rest:match "^([%w_%.]+)(%??)%s+(%b{})%s*(.*)$"
  if not name then name, optional, kind, text = rest:match "^([%w_%.]+)(%??)%s+(fun%b():?%s?%S*)%s*(.*)$" end
  if not name then name, optional, kind, text = rest:match "^([%w_%.]+)(%??)%s+(%S+)%s*(.*)$" end
  if not name then return { name = rest:match "^%S+" or "?", type = "any", text = "" } end
  return { name = name, optional = optional == "?", type = kind, text = text }
end

local function add_line(comment, line)
  local tag, rest = line:match "^@(%a+)%s*(.*)$"
  if tag == "param" then
    comment.params[#comment.params + 1] = read_param(rest)
  elseif tag == "return" then
    comment.returns[#comment.returns + 1] = rest
  elseif tag == "class" then
    comment.class = rest
  elseif tag == "field" then
    comment.fields = comment.fields or {}
    table.insert(comment.fields, rest)
  elseif not tag then
    comment.text[#comment.text + 1] = line
  end
end

-- The entry that a line of code after a comment declares: owner, separator, name, arguments.
local function declaration(line)
  local owner, separator, name, args = line:match "^function%s+([%w_]+)([.:])([%w_]+)%s*(%b())"
  if owner then return owner, separator, name, args end
  owner, name, args = line:match "^([%w_]+)%.([%w_]+)%s*=%s*function%s*(%b())"
  if owner then return owner, ".", name, args end
  owner, name = line:match "^([%w_]+)%.([%w_]+)%s*="
  if owner then return owner, ".", name, nil end
  return nil
end

-- A module that is one function of its own name.
local function sole_function(source, line)
  local name, args = line:match "^local%s+function%s+([%w_]+)%s*(%b())"
  if name == source.module and not source.stem then return name, args end
end

local function class_name(line) return line:match "^local%s+([%w_]+)%s*=.*class%f[^%w_].*$" end

local function make_entry(source, comment, line, number)
  local base = module_name(source.module)
  local class = class_name(line)
  local entry = { file = source.path, line = number, text = comment.text, params = comment.params,
                  returns = comment.returns, fields = comment.fields }
  if class then
    entry.kind, entry.class, entry.name = "class", comment.class or class, base .. "." .. class
    return entry
  end
  local sole, arguments = sole_function(source, line)
  if sole then
    entry.kind, entry.name, entry.signature = "function", "rp." .. sole, arguments
    return entry
  end
  local owner, separator, name, args = declaration(line)
  if not owner or name:sub(1, 1) == "_" then return nil end
  entry.signature = args
  if source.module == "paper" and owner == "P" then
    entry.kind, entry.owner, entry.name = "method", "P", "P:" .. name
    if separator == "." then entry.signature = "(" .. args:sub(2):gsub("^_,%s*", "") end
  elseif owner:find "^%u" then
    entry.kind, entry.owner, entry.name = "method", owner, ("%s.%s%s%s"):format(base, owner, separator, name)
  else
    local part = key_of_part(source)
    entry.kind, entry.name = args and "function" or "value", base .. "." .. (part and part .. "." or "") .. name
  end
  return entry
end

local function scan(source, entries)
  local comment, number = nil, 0
  for line in ((files.read(source.path) or "") .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local text = line:match "^%-%-%-([^%-].*)$" or line == "---" and ""
    if text then
      comment = comment or new_comment()
      add_line(comment, (text:gsub("^ ", "")))
    elseif comment then
      local entry = make_entry(source, comment, line, number)
      if entry then entries[#entries + 1] = entry end
      comment = nil
    end
  end
end

local cached

--- Everything documented in the public modules, in the order of their files.
---@return table entries array of {name, kind = "function"|"method"|"class"|"value", signature, text (lines), params, returns,
---  owner, class, file, line}
function doc.entries()
  if cached then return cached end
  cached = {}
  for _, source in ipairs(doc.sources()) do scan(source, cached) end
  return cached
end

-- Names under which an entry is found: the whole one, without rp., and its last word.
local function answers(entry, name)
  local plain = name:gsub("^rp[.:]", ""):gsub("^repro[.:]", "")
  local own = entry.name:gsub("^rp%.", "")
  return own == plain or own:match "[^.:]+$" == plain or own:gsub(":", ".") == plain:gsub(":", ".")
end

--- The entries that a name may mean.
---@param name string "rp.nn.Linear", "nn.Linear" or "Linear"
---@return table entries
function doc.find(name)
  local found = {}
  for _, entry in ipairs(doc.entries()) do
    if answers(entry, name) then found[#found + 1] = entry end
  end
  return found
end

--- The entry of a function by the place of its definition.
---@param file string path of its source
---@param line integer
---@return table|nil entry
function doc.at(file, line)
  for _, entry in ipairs(doc.entries()) do
    if entry.line == line and entry.file == file then return entry end
  end
end

--- An entry as text.
---@param entry table
---@return string
function doc.format(entry)
  local lines = { entry.name .. (entry.signature or "") }
  for _, line in ipairs(entry.text) do lines[#lines + 1] = "  " .. line end
  for _, param in ipairs(entry.params) do
    lines[#lines + 1] = ("    %s%s  %s  %s"):format(param.name, param.optional and "?" or "", param.type, param.text)
  end
  for _, text in ipairs(entry.returns) do lines[#lines + 1] = "  returns " .. text end
  for i, line in ipairs(lines) do lines[i] = line:gsub("%s+$", "") end
  return table.concat(lines, "\n")
end

return doc
