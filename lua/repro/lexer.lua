--- Tokens of a Lua 5.4 source text, blanks and comments included: their texts joined give the source back.
--- One reader serves the literate parser, the highlighter, the pinning of numbers and the paper list.
local lexer = {}

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return
               then true until while]]):gmatch "%a+" do
  keywords[word] = true
end

local symbols3 = { ["..."] = true }
local symbols2 = { ["=="] = true, ["~="] = true, ["<="] = true, [">="] = true, ["//"] = true, ["::"] = true,
                   ["<<"] = true, [">>"] = true, [".."] = true }

-- Last position of the long bracket that opens at `at`; nil where none opens there.
local function long_bracket(source, at)
  local level = source:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, last = source:find("]" .. level .. "]", at + #level + 2, true)
  return last or #source
end

local function short_string(source, at)
  local quote, i = source:sub(at, at), at + 1
  while i <= #source do
    local c = source:sub(i, i)
    if c == "\\" then
      i = i + 1
    elseif c == quote or c == "\n" then
      return i
    end
    i = i + 1
  end
  return #source
end

local function number_end(source, at)
  local _, last = source:find("^0[xX]%x*%.?%x*", at)
  local exponent = "^[pP][+-]?%d+"
  if not last then
    _, last = source:find("^%d*%.?%d*", at)
    exponent = "^[eE][+-]?%d+"
  end
  local _, extended = source:find(exponent, last + 1)
  return extended or last
end

local function comment_end(source, at)
  local last = long_bracket(source, at + 2)
  if last then return last end
  return (source:find("\n", at, true) or #source + 1) - 1
end

local function symbol_end(source, at)
  if symbols3[source:sub(at, at + 2)] then return at + 2 end
  if symbols2[source:sub(at, at + 1)] then return at + 1 end
  return at
end

-- Kind and last position of the token at `at`.
local function scan(source, at)
  local _, last = source:find("^%s+", at)
  if last then return "space", last end
  if source:find("^%-%-", at) then return "comment", comment_end(source, at) end
  if source:find("^[%a_]", at) then
    _, last = source:find("^[%w_]+", at)
    return keywords[source:sub(at, last)] and "keyword" or "name", last
  end
  if source:find("^%.?%d", at) then return "number", number_end(source, at) end
  if source:find("^[\"']", at) then return "string", short_string(source, at) end
  last = long_bracket(source, at)
  if last then return "string", last end
  return "symbol", symbol_end(source, at)
end

local function count_lines(text)
  local _, n = text:gsub("\n", "")
  return n
end

--- All tokens of a source text.
---@param source string
---@return table tokens array of {kind, text, at (byte position), line}; kind is one of space, comment, string,
---  number, name, keyword, symbol
function lexer.tokens(source)
  local tokens, at, line = {}, 1, 1
  if source:sub(1, 1) == "#" then                      -- a first line for the shell
    local last = (source:find("\n", 1, true) or #source + 1) - 1
    tokens[1] = { kind = "comment", text = source:sub(1, last), at = 1, line = 1 }
    at = last + 1
  end
  while at <= #source do
    local kind, last = scan(source, at)
    local text = source:sub(at, last)
    tokens[#tokens + 1] = { kind = kind, text = text, at = at, line = line }
    line = line + count_lines(text)
    at = last + 1
  end
  return tokens
end

--- The tokens that the Lua compiler sees: no blanks, no comments.
---@param source string
---@return table tokens as lexer.tokens
function lexer.code(source)
  local code = {}
  for _, token in ipairs(lexer.tokens(source)) do
    if token.kind ~= "space" and token.kind ~= "comment" then code[#code + 1] = token end
  end
  return code
end

--- The value that a string token stands for.
---@param token table a token of kind string
---@return string|nil value nil if the token is not a complete string literal
function lexer.string_value(token)
  if token.kind ~= "string" then return nil end
  local chunk = load("return " .. token.text, "=literal", "t", {})
  return chunk and chunk()
end

return lexer
