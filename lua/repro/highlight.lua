--- Lua source as HTML with spans: k keyword, c comment, s string, n number, b library name, f called function.
local lexer = require "repro.lexer"

local highlight = {}

local classes = { keyword = "k", comment = "c", string = "s", number = "n" }

local libraries = {}
for word in ("rp math table string utf8 io os coroutine require print pairs ipairs next select assert error type "
  .. "tostring tonumber pcall self P setmetatable getmetatable"):gmatch "%a+" do
  libraries[word] = true
end

local constants = { ["true"] = true, ["false"] = true, ["nil"] = true }

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- Text with the characters that HTML reserves written as entities.
---@param text string
---@return string
function highlight.escape(text)
  return (text:gsub('[&<>"]', entities))
end

-- A name that is called: followed by "(", "{" or a string.
local function is_called(tokens, i)
  local following = tokens[i + 1]
  if following and following.kind == "space" and not following.text:find "\n" then following = tokens[i + 2] end
  return following and (following.kind == "string" or following.text == "(" or following.text == "{")
end

local function class_of(tokens, i)
  local token = tokens[i]
  if constants[token.text] and token.kind == "keyword" then return "n" end
  if token.kind == "name" then
    if libraries[token.text] and (not tokens[i - 1] or tokens[i - 1].text ~= ".") then return "b" end
    return is_called(tokens, i) and "f" or nil
  end
  return classes[token.kind]
end

-- A span per line, so that each line of the result stands alone.
local function span(class, text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    line = highlight.escape(line)
    lines[#lines + 1] = line ~= "" and ('<span class="%s">%s</span>'):format(class, line) or ""
  end
  return table.concat(lines, "\n")
end

--- HTML of a piece of Lua.
---@param source string
---@return string html with the same lines as the source; no span crosses a line end
function highlight.lua(source)
  local tokens, out = lexer.tokens(source), {}
  for i, token in ipairs(tokens) do
    local class = class_of(tokens, i)
    out[i] = class and span(class, token.text) or highlight.escape(token.text)
  end
  return table.concat(out)
end

return highlight
