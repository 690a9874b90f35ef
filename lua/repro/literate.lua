--- A literate script: prose in `--[[ ... ]]` comments that begin a line, code between them.
---
---     local document = literate.parse(source, "papers/dcr.lua")
---     document.blocks     array of {kind = "prose"|"code", text, first, last}   (lines of the file)
---     document.headings   array of {level, text, slug, line, block}
---     document.tokens     the tokens of the whole source (lexer.tokens)
---
--- A block comment inside a function body (one that is indented) stays part of the code, as does a line comment.
local lexer = require "repro.lexer"

local literate = {}

-- Removes the indentation that all lines after the first share: Markdown would take it for code.
local function dedent(text)
  local shared
  for blank, rest in text:gmatch "\n([ \t]*)([^\n]*)" do
    if rest ~= "" and (not shared or #blank < #shared) then shared = blank end
  end
  if shared and shared ~= "" then text = text:gsub("\n" .. shared, "\n") end
  return (text:gsub("^[ \t]+", ""))
end

-- The prose of a comment token, or nil if the token is not prose.
local function prose_text(token, source)
  if token.kind ~= "comment" then return nil end
  local level = token.text:match "^%-%-%[(=*)%["
  if not level then return nil end
  local starts_line = token.at == 1 or source:sub(token.at - 1, token.at - 1) == "\n"
  local after = token.at + #token.text
  local ends_line = source:find("^[ \t]*\r?\n", after) or source:find("^%s*$", after)
  if not (starts_line and ends_line) then return nil end
  return dedent(token.text:sub(5 + #level, -3 - #level))
end

local function count_lines(text)
  local _, n = text:gsub("\n", "")
  return n
end

-- Drops blank lines at both ends; `first` moves with them.
local function trim(text, first)
  local lead = text:match "^[ \t\r\n]*\n" or ""
  text = text:sub(#lead + 1):gsub("%s+$", "")
  return text, first + count_lines(lead)
end

local function add_block(blocks, kind, text, first)
  text, first = trim(text, first)
  if text == "" then return end
  blocks[#blocks + 1] = { kind = kind, text = text, first = first, last = first + count_lines(text) }
end

local function split_blocks(tokens, source)
  local blocks, code, code_line = {}, {}, 1
  local function flush()
    add_block(blocks, "code", table.concat(code), code_line)
    code = {}
  end
  for _, token in ipairs(tokens) do
    local prose = prose_text(token, source)
    if prose then
      flush()
      add_block(blocks, "prose", prose, token.line)
    else
      if #code == 0 then code_line = token.line end
      code[#code + 1] = token.text
    end
  end
  flush()
  return blocks
end

--- A word for a link from a heading: lower case, letters, digits and hyphens.
---@param text string
---@return string
function literate.slug(text)
  local slug = text:gsub("%$[^$]*%$", ""):lower():gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  return slug ~= "" and slug or "section"
end

-- Calls visit(line_text, line_number) for the lines of a prose block that are not inside a code fence.
local function outside_fences(block, visit)
  local fence, line = nil, block.first
  for text in (block.text .. "\n"):gmatch "(.-)\r?\n" do
    local mark = text:match "^%s*(```+)" or text:match "^%s*(~~~+)"
    if mark and not fence then
      fence = mark:sub(1, 3)
    elseif mark and mark:sub(1, 3) == fence then
      fence = nil
    elseif not fence then
      visit(text, line)
    end
    line = line + 1
  end
end

local function find_headings(blocks)
  local headings, used = {}, {}
  for index, block in ipairs(blocks) do
    if block.kind == "prose" then
      outside_fences(block, function(text, line)
        local marks, title = text:match "^%s?%s?%s?(#+)%s+(.-)%s*#*%s*$"
        if not marks or #marks > 6 then return end
        local slug = literate.slug(title)
        used[slug] = (used[slug] or 0) + 1
        if used[slug] > 1 then slug = slug .. "-" .. used[slug] end
        headings[#headings + 1] = { level = #marks, text = title, slug = slug, line = line, block = index }
      end)
    end
  end
  return headings
end

--- Parses a script.
---@param source string the text of the script
---@param name string the path shown in messages and in the report
---@return table document {name, source, tokens, blocks, headings}
function literate.parse(source, name)
  local tokens = lexer.tokens(source)
  local blocks = split_blocks(tokens, source)
  return { name = name, source = source, tokens = tokens, blocks = blocks, headings = find_headings(blocks) }
end

-- Tokens the compiler sees, from the document's own list.
local function code_tokens(document)
  local code = {}
  for _, token in ipairs(document.tokens) do
    if token.kind ~= "space" and token.kind ~= "comment" then code[#code + 1] = token end
  end
  return code
end

-- Index of the token that closes the bracket at index `open`; nil if it is never closed.
local closing = { ["("] = ")", ["{"] = "}", ["["] = "]" }
local function match_bracket(code, open)
  local depth = 0
  for i = open, #code do
    local text = code[i].kind == "symbol" and code[i].text
    if closing[text] then
      depth = depth + 1
    elseif text == ")" or text == "}" or text == "]" then
      depth = depth - 1
      if depth == 0 then return i end
    end
  end
  return nil
end

-- Splits the tokens strictly between two brackets at commas (and semicolons) of the same depth.
local function split_list(code, open, close)
  local items, from, depth = {}, open + 1, 0
  for i = open + 1, close do
    local text = code[i].kind == "symbol" and code[i].text or ""
    if i == close or depth == 0 and (text == "," or text == ";") then
      if i > from then items[#items + 1] = { from = from, to = i - 1 } end
      from = i + 1
    elseif text:find "^[({%[]$" then
      depth = depth + 1
    elseif text:find "^[)}%]]$" then
      depth = depth - 1
    elseif code[i].kind == "keyword" then
      local word = code[i].text
      if word == "function" or word == "do" or word == "then" or word == "repeat" then depth = depth + 1 end
      if word == "end" or word == "until" or word == "elseif" then depth = depth - 1 end
    end
  end
  return items
end

local check_kinds = { exact = true, pinned = true, claim = true, quoted = true, not_run = true }
local output_kinds = { exact = true, pinned = true, claim = true, quoted = true, not_run = true, figure = true, table = true,
                       note = true }

-- The call `NAME:KIND(...)` that begins at code[i].
local function call_at(code, i)
  local close = match_bracket(code, i + 3)
  local args = close and split_list(code, i + 3, close) or {}
  local first = args[1] and args[1].from == args[1].to and code[args[1].from]
  return { kind = code[i + 2].text, id = first and lexer.string_value(first) or nil, line = code[i].line, at = i,
           args = args, close = close }
end

local function calls_of(document, kinds, name)
  local code, calls = code_tokens(document), {}
  for i = 1, #code - 3 do
    if code[i].kind == "name" and code[i + 1].text == ":" and kinds[code[i + 2].text] and code[i + 3].text == "("
      and (not name or code[i].text == name) then
      calls[#calls + 1] = call_at(code, i)
    end
  end
  return calls, code
end

--- Every call `P:KIND(...)` of a check in the text, found without running it.
---@param document table
---@return table calls array of {kind, id (nil if it is not a literal), line, at, close (indices of its first and last
---  token in code), args (ranges {from, to} into code)}
---@return table code the token array that `args` refers to
function literate.checks(document)
  return calls_of(document, check_kinds)
end

-- The literal text of a check's field: its sentence, or a string of the table that ends its arguments.
local function field_of(call, code, key)
  for i = #call.args, 2, -1 do
    local arg = call.args[i]
    if code[arg.from].text == "{" then
      for _, item in ipairs((literate.members(code, arg.from))) do
        if item.key == key and item.from == item.to then return lexer.string_value(code[item.from]) end
      end
    end
  end
  local second = call.args[2]
  local is_text = key == "text" and (call.kind == "claim" or call.kind == "not_run") and second and second.from == second.to
  return is_text and lexer.string_value(code[second.from]) or nil
end

--- The checks whose id is a literal, with what the text says of them.
---@param document table
---@return table rows array of {id, kind, where, text, line}
function literate.declared(document)
  local calls, code = literate.checks(document)
  local rows = {}
  for _, call in ipairs(calls) do
    if call.id then
      rows[#rows + 1] = { id = call.id, kind = call.kind, where = field_of(call, code, "where"),
                          text = field_of(call, code, "text"), line = call.line }
    end
  end
  return rows
end

-- The variable that holds the paper: NAME of `local NAME = rp.paper{`.
local function paper_variable(code)
  for i = 2, #code do
    if code[i].kind == "name" and code[i].text == "paper" and code[i + 1] and code[i + 1].text:find "^[({]$" then
      for back = i - 1, math.max(2, i - 8), -1 do
        if code[back].text == "=" then return code[back - 1].text end
      end
    end
  end
  return "P"
end

--- Every call by which the script's paper object adds to the report: checks, figures, tables, notes.
---@param document table
---@return table calls as from literate.checks; the id of a figure or table is its name
---@return table code
function literate.calls(document)
  return calls_of(document, output_kinds, paper_variable(code_tokens(document)))
end

--- The members of a table constructor whose opening brace is code[open].
---@param code table tokens without blanks
---@param open integer
---@return table members array of {key (string or nil), from, to} with the value's token range
---@return integer|nil close index of the closing brace
function literate.members(code, open)
  local close = match_bracket(code, open)
  if not close then return {}, nil end
  local members = split_list(code, open, close)
  for _, item in ipairs(members) do
    local a, b, c, d = code[item.from], code[item.from + 1], code[item.from + 2], code[item.from + 3]
    if a.kind == "name" and item.to > item.from + 1 and b.text == "=" then
      item.key, item.from = a.text, item.from + 2
    elseif a.text == "[" and item.to > item.from + 3 and c.text == "]" and d.text == "=" then
      item.key, item.from = lexer.string_value(b), item.from + 4
    end
  end
  return members, close
end

local function literal_value(code, item)
  if item.from ~= item.to then return nil end
  local token = code[item.from]
  if token.kind == "number" then return tonumber(token.text) end
  return lexer.string_value(token)
end

--- The literal fields of the script's `rp.paper{ ... }`, read without running anything.
---@param document table
---@return table|nil header such as {id =, title =, authors =, arxiv =, year =}; nil if the script declares no paper
function literate.header(document)
  local code = code_tokens(document)
  for i = 2, #code do
    local call = code[i - 1].text == "paper" and code[i - 1].kind == "name"
    local open = call and (code[i].text == "{" and i or code[i].text == "(" and i + 1)
    if open and code[open] and code[open].text == "{" then
      local header = { line = code[i].line }
      for _, item in ipairs((literate.members(code, open))) do
        if item.key then header[item.key] = literal_value(code, item) end
      end
      return header
    end
  end
  return nil
end

return literate
