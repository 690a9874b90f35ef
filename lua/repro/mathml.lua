--- A subset of LaTeX mathematics as MathML Core, for pages that need no script and no network.
---
---     mathml.render([[\frac{1}{B} \sum_{i=1}^{B} \log Z_i]], true)   -- a display formula
---
--- Never fails: an unknown command is shown as it was written, a missing brace is taken to be at the end.
local symbols = require "repro.mathml_symbols"

local mathml = {}

local max_depth = 60                   -- nesting beyond this is shown as text

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local function escape(text) return (text:gsub('[&<>"]', entities)) end

-- ---- tokens: {kind = "command"|"char", text, at} -------------------------------------------------------------

local function tokenize(source)
  local tokens, at = {}, 1
  local function add(kind, text, length)
    tokens[#tokens + 1] = { kind = kind, text = text, at = at }
    at = at + length
  end
  while at <= #source do
    local name = source:match("^\\(%a+%*?)", at)
    if name then
      if name:sub(-1) == "*" and name ~= "operatorname*" then name = name:sub(1, -2) end
      add("command", name, #name + 1)
    elseif source:find("^\\.", at) then
      local char = source:match("^\\(" .. utf8.charpattern .. ")", at) or source:sub(at + 1, at + 1)
      add("command", char:find "%s" and " " or char, #char + 1)
    elseif source:find("^%s", at) then
      at = at + 1
    elseif source:find("^%%", at) then
      at = (source:find("\n", at, true) or #source) + 1
    else
      local char = source:match("^" .. utf8.charpattern, at)
      if not char or not utf8.len(char) then add("char", "\u{FFFD}", 1) else add("char", char, #char) end
    end
  end
  return tokens
end

-- ---- nodes: {xml, class [, limits]} --------------------------------------------------------------------------
-- class: ord, op (large operator), fn, bin, rel, open, close, punct, space

local function node(class, xml, limits) return { class = class, xml = xml, limits = limits } end
local function text_node(text) return node("ord", "<mtext>" .. escape(text) .. "</mtext>") end
local function space_node(em) return node("space", ('<mspace width="%.4gem"/>'):format(em)) end

local function operator(class, text, attributes)
  return node(class, ("<mo%s>%s</mo>"):format(attributes and " " .. attributes or "", escape(text)))
end

local function fence(class, text, attributes)
  if text == "" then return node(class, "") end
  local form = class == "open" and ' form="prefix"' or class == "close" and ' form="postfix"' or ""
  return operator(class, text, attributes .. form)
end

local function inner(xml)                                  -- one element for an argument
  return "<mrow>" .. xml .. "</mrow>"
end

-- A binary sign with nothing before it to act on is a sign of its operand: -x, = -x, (-x.
local function as_prefix(before)
  return not before or before == "bin" or before == "rel" or before == "open" or before == "punct" or before == "op"
    or before == "fn"
end

local function needs_thin_space(before, class)
  if class == "fn" then return before == "ord" or before == "close" or before == "fn" end
  return before == "fn" and (class == "ord" or class == "op")
end

-- Joins nodes into the content of a row, with the spaces that depend on neighbours.
local function join(nodes)
  local out, before = {}, nil
  for _, item in ipairs(nodes) do
    local xml = item.xml
    if item.class == "bin" and as_prefix(before) then
      xml = xml:gsub("^<mo", '<mo form="prefix" lspace="0" rspace="0"', 1)
    elseif needs_thin_space(before, item.class) then
      out[#out + 1] = '<mspace width="0.1667em"/>'
    end
    out[#out + 1] = xml
    if item.class ~= "space" then before = item.class end
  end
  return table.concat(out)
end

-- ---- the parser: p = {source, tokens, at, depth, variant} ----------------------------------------------------

local parse_row, parse_argument, commands

local function peek(p) return p.tokens[p.at] end

local function is_char(token, text) return token and token.kind == "char" and token.text == text end
local function is_command(token, text) return token and token.kind == "command" and token.text == text end

local function accept(p, text)
  if is_char(peek(p), text) then
    p.at = p.at + 1
    return true
  end
  return false
end

-- The source text of the next {group}, or of the next token, with its blanks.
local function raw_argument(p)
  local token = peek(p)
  if not token then return "" end
  p.at = p.at + 1
  if not is_char(token, "{") then return (token.kind == "command" and "\\" or "") .. token.text end
  local depth, from = 1, token.at + 1
  while peek(p) do
    token = peek(p)
    p.at = p.at + 1
    if is_char(token, "{") then depth = depth + 1 end
    if is_char(token, "}") then
      depth = depth - 1
      if depth == 0 then return p.source:sub(from, token.at - 1) end
    end
  end
  return p.source:sub(from)
end

-- The optional [argument] of a command as source text, or nil.
local function raw_option(p)
  local token = peek(p)
  if not is_char(token, "[") then return nil end
  local from = token.at + 1
  while peek(p) and not is_char(peek(p), "]") do p.at = p.at + 1 end
  local last = peek(p) and peek(p).at - 1 or #p.source
  p.at = p.at + 1
  return p.source:sub(from, last)
end

-- A letter in the alphabet in force, e.g. R under \mathbb; nil if the alphabet has no such letter.
local function styled(variant, char)
  local alphabet = symbols.alphabets[variant]
  if not alphabet then return nil end
  if alphabet[char] then return utf8.char(alphabet[char]) end
  local code = utf8.codepoint(char)
  local function from(first, base) return base and utf8.char(base + code - utf8.codepoint(first)) end
  if char:find "^%u$" then return from("A", alphabet.A) end
  if char:find "^%l$" then return from("a", alphabet.a) end
  if char:find "^%d$" then return from("0", alphabet["0"]) end
  if code >= 0x3B1 and code <= 0x3C9 then return from("α", alphabet.alpha) end
  if code >= 0x391 and code <= 0x3A9 then return from("Α", alphabet.Alpha) end
  return nil
end

local function letter(p, char, upright)
  local other = styled(p.variant, char)
  if other then return node("ord", "<mi>" .. other .. "</mi>") end
  if upright or p.variant == "mathrm" then
    return node("ord", '<mi mathvariant="normal">' .. escape(char) .. "</mi>")
  end
  return node("ord", "<mi>" .. escape(char) .. "</mi>")
end

local function number(p, first, single)
  local digits = { first }
  while not single and peek(p) and peek(p).kind == "char" do
    local text, following = peek(p).text, p.tokens[p.at + 1]
    local point = text == "." and following and following.kind == "char" and following.text:find "^%d$"
    if not (text:find "^%d$" or point) then break end
    digits[#digits + 1] = text
    p.at = p.at + 1
  end
  local text = table.concat(digits):gsub("%d", function(digit) return styled(p.variant, digit) end)
  return node("ord", "<mn>" .. text .. "</mn>")
end

local char_nodes = {
  ["+"] = function() return operator("bin", "+") end,
  ["-"] = function() return operator("bin", "−") end,
  ["*"] = function() return operator("bin", "∗") end,
  ["/"] = function() return operator("ord", "/", 'lspace="0" rspace="0"') end,
  ["="] = function() return operator("rel", "=") end,
  ["<"] = function() return operator("rel", "<") end,
  [">"] = function() return operator("rel", ">") end,
  [":"] = function() return operator("rel", ":") end,
  [","] = function() return operator("punct", ",", 'lspace="0" rspace="0.1667em"') end,
  [";"] = function() return operator("punct", ";", 'lspace="0" rspace="0.1667em"') end,
  ["!"] = function() return operator("close", "!", 'lspace="0" rspace="0"') end,
  ["?"] = function() return operator("close", "?", 'lspace="0" rspace="0"') end,
  ["."] = function() return operator("ord", ".", 'lspace="0" rspace="0"') end,
  ["|"] = function() return operator("ord", "|", 'stretchy="false" lspace="0" rspace="0"') end,
  ["("] = function() return fence("open", "(", 'stretchy="false"') end,
  ["["] = function() return fence("open", "[", 'stretchy="false"') end,
  [")"] = function() return fence("close", ")", 'stretchy="false"') end,
  ["]"] = function() return fence("close", "]", 'stretchy="false"') end,
  ["~"] = function() return space_node(0.25) end,
}

local function group(p)
  local variant = p.variant
  local content = parse_row(p, function(token) return is_char(token, "}") end)
  accept(p, "}")
  p.variant = variant
  return node("ord", inner(content))
end

local function char_atom(p, token, single)
  local text = token.text
  if text == "{" then return group(p) end
  if text:find "^%d$" then return number(p, text, single) end
  if char_nodes[text] then return char_nodes[text]() end
  if text:find "^%a$" or #text > 1 then return letter(p, text) end
  return text_node(text)
end

local function symbol(p, name)
  if symbols.letters[name] then return letter(p, symbols.letters[name]) end
  if symbols.upright[name] then return letter(p, symbols.upright[name], true) end
  if symbols.relations[name] then return operator("rel", symbols.relations[name], 'stretchy="false"') end
  if symbols.binary[name] then return operator("bin", symbols.binary[name]) end
  if symbols.plain[name] then return operator("ord", symbols.plain[name], 'lspace="0" rspace="0"') end
  if symbols.spaces[name] then return space_node(symbols.spaces[name]) end
  local bracket = symbols.delimiters["\\" .. name]
  if bracket then
    local closes = bracket:find "^[%)%]}]$" or name:find "^r" or ("⌝"):find(bracket, 1, true)
    local opens = bracket:find "^[%(%[{]$" or name:find "^l" or ("⌜"):find(bracket, 1, true)
    local class = closes and "close" or opens and "open" or "ord"
    return fence(class, bracket, 'stretchy="false" lspace="0" rspace="0"')
  end
  return nil
end

local function large_operator(name)
  local integral = symbols.integrals[name]
  local xml = ('<mo movablelimits="%s">%s</mo>'):format(integral and "false" or "true", symbols.large[name])
  return node("op", xml, not integral)
end

local function named_function(text, limits)
  if limits then
    return node("fn", '<mo movablelimits="true" lspace="0" rspace="0">' .. escape(text) .. "</mo>", true)
  end
  return node("fn", "<mi>" .. escape(text) .. "</mi>")
end

local named = { liminf = "lim inf", limsup = "lim sup", argmax = "arg max", argmin = "arg min" }

local function command_atom(p, name)
  if commands[name] then return commands[name](p, name) end
  if symbols.large[name] then return large_operator(name) end
  if symbols.functions[name] ~= nil then return named_function(named[name] or name, symbols.functions[name]) end
  if symbols.accents[name] then return commands.accent(p, name) end
  if symbols.sizes[name] then return commands.big(p, name) end
  if symbols.alphabets[name] then return commands.alphabet(p, name) end
  return symbol(p, name) or node("ord", '<mtext class="unknown">' .. escape("\\" .. name) .. "</mtext>")
end

-- One atom without its scripts; `single`: an argument, of which a number gives only its first digit.
local function atom(p, single)
  local token = peek(p)
  p.at = p.at + 1
  if p.depth > max_depth then return text_node((token.kind == "command" and "\\" or "") .. token.text) end
  p.depth = p.depth + 1
  local result = token.kind == "char" and char_atom(p, token, single) or command_atom(p, token.text)
  p.depth = p.depth - 1
  return result
end

function parse_argument(p)
  if not peek(p) or is_char(peek(p), "}") then return "<mrow></mrow>" end
  return inner(atom(p, true).xml)
end

local function read_scripts(p, base)
  local sub, sup, primes = nil, nil, 0
  local limits = base.limits
  while peek(p) do
    if is_command(peek(p), "limits") or is_command(peek(p), "nolimits") then
      limits = peek(p).text == "limits" and "always" or nil
      p.at = p.at + 1
    elseif accept(p, "'") then
      primes = primes + 1
    elseif not sup and accept(p, "^") then
      sup = parse_argument(p)
    elseif not sub and accept(p, "_") then
      sub = parse_argument(p)
    else
      break
    end
  end
  if primes > 0 then
    -- The glyph stands high already; as a superscript it would rise twice.
    local mark = '<mpadded voffset="-.35em"><mo style="font-size:1.25em" lspace="0" rspace="0">'
      .. ("′"):rep(primes) .. "</mo></mpadded>"
    sup = sup and inner(mark .. sup) or mark
  end
  return sub, sup, limits
end

local function attach_scripts(p, base)
  local sub, sup, limits = read_scripts(p, base)
  if not (sub or sup) then return base end
  local tags = limits and { "munderover", "munder", "mover" } or { "msubsup", "msub", "msup" }
  local tag = sub and sup and tags[1] or sub and tags[2] or tags[3]
  local body = base.xml ~= "" and base.xml or "<mrow></mrow>"
  if limits == "always" then body = body:gsub('movablelimits="true"', 'movablelimits="false"', 1) end
  return node(base.class, ("<%s>%s%s%s</%s>"):format(tag, body, sub or "", sup or "", tag))
end

-- Content of a row up to a token for which stop(token) holds, which is not consumed.
function parse_row(p, stop)
  local nodes = {}
  while peek(p) and not stop(peek(p)) do
    local token = peek(p)
    if token.kind == "char" and token.text:find "^[%^_']$" then
      nodes[#nodes + 1] = attach_scripts(p, node("ord", ""))
    elseif token.kind == "char" and token.text:find "^[}&]$" then
      p.at = p.at + 1                                      -- stray
    else
      nodes[#nodes + 1] = attach_scripts(p, atom(p))
    end
  end
  return join(nodes)
end

-- ---- commands ------------------------------------------------------------------------------------------------

local function fraction(p, attributes)
  local above, below = parse_argument(p), parse_argument(p)
  return ("<mfrac%s>%s%s</mfrac>"):format(attributes or "", above, below)
end

local function delimiter(p)
  local token = peek(p)
  if not token then return "" end
  p.at = p.at + 1
  if is_char(token, ".") then return "" end
  local key = (token.kind == "command" and "\\" or "") .. token.text
  return symbols.delimiters[key] or token.text
end

local function is_right(token) return is_command(token, "right") end
local function is_middle(token) return is_command(token, "middle") or is_right(token) end

local function left_right(p)
  local parts = { fence("open", delimiter(p), 'stretchy="true" symmetric="true"').xml }
  repeat
    parts[#parts + 1] = parse_row(p, is_middle)
    local middle = is_command(peek(p), "middle")
    p.at = p.at + 1
    local class = middle and "ord" or "close"
    parts[#parts + 1] = fence(class, delimiter(p), 'stretchy="true" symmetric="true"').xml
  until not middle
  return node("ord", inner(table.concat(parts)))
end

-- Text with $...$ inside it, as \text{if $x > 0$} has.
local function text_with_math(text, style)
  local out, open = {}, style and ('<mtext style="%s">'):format(style) or "<mtext>"
  for words, math_part in (text .. "$$"):gmatch "([^$]*)%$([^$]*)%$" do
    words = words:gsub("\\([%%&#_{}$])", "%1"):gsub("~", " "):gsub("^%s+", "\u{A0}"):gsub("%s+$", "\u{A0}")
    if words ~= "" then out[#out + 1] = open .. escape(words) .. "</mtext>" end
    if math_part ~= "" then out[#out + 1] = mathml.content(math_part) end
  end
  return node("ord", inner(table.concat(out)))
end

local function upright(p)
  local text = raw_argument(p)
  if text:find "^[%w%s%.,%-]*$" then
    text = text:gsub("%s+", "\u{A0}")
    return node("ord", ('<mi mathvariant="normal">%s</mi>'):format(escape(text)))
  end
  return node("ord", inner(mathml.content(text, "mathrm")))
end

-- Alternating column alignments and the padding of cells.
local cell_shapes = {
  aligned = { align = "rl", padding = { ".3em 0", ".3em 1.6em .3em 0" } },
  cases = { align = "l", padding = { ".2em 1em .2em 0" } },
  matrix = { align = "c", padding = { ".2em .45em" } },
  gathered = { align = "c", padding = { ".3em 0" } },
  smallmatrix = { align = "c", padding = { ".05em .2em" } },
}

-- Engines differ in how a cell is aligned: an attribute, text-align, or text-align with a prefix.
local alignments = {
  l = 'columnalign="left" style="text-align:left;text-align:-webkit-left;',
  r = 'columnalign="right" style="text-align:right;text-align:-webkit-right;',
  c = 'columnalign="center" style="',
}

local environments = {
  matrix = { "matrix" }, pmatrix = { "matrix", "(", ")" }, bmatrix = { "matrix", "[", "]" },
  Bmatrix = { "matrix", "{", "}" }, vmatrix = { "matrix", "|", "|" }, Vmatrix = { "matrix", "‖", "‖" },
  smallmatrix = { "smallmatrix" }, cases = { "cases", "{", "" }, dcases = { "cases", "{", "", true },
  rcases = { "cases", "", "}" }, aligned = { "aligned", "", "", true }, align = { "aligned", "", "", true },
  alignedat = { "aligned", "", "", true }, split = { "aligned", "", "", true }, eqnarray = { "aligned", "", "", true },
  gathered = { "gathered", "", "", true }, gather = { "gathered", "", "", true },
  multline = { "gathered", "", "", true }, equation = { "gathered", "", "", true }, array = { "matrix" },
}

local function ends_cell(token)
  return is_char(token, "&") or is_command(token, "\\") or is_command(token, "end") or is_command(token, "cr")
end

local function skip_rules(p)
  while is_command(peek(p), "hline") or is_command(peek(p), "midrule") do p.at = p.at + 1 end
end

-- Rows of cells up to \end or the end of the source.
local function read_rows(p)
  local rows, row = {}, {}
  skip_rules(p)
  while true do
    row[#row + 1] = parse_row(p, ends_cell)
    local token = peek(p)
    if not token or is_command(token, "end") then break end
    p.at = p.at + 1
    if token.kind == "command" then
      rows[#rows + 1], row = row, {}
      raw_option(p)
      skip_rules(p)
    end
  end
  if #row > 1 or row[1] ~= "" or #rows == 0 then rows[#rows + 1] = row end
  return rows
end

local function cell_attributes(kind, column, spec)
  local shape = cell_shapes[kind]
  local padding = shape.padding[(column - 1) % #shape.padding + 1]
  local align = spec and spec:match("^[lcr]", column) or shape.align:sub((column - 1) % #shape.align + 1):sub(1, 1)
  return alignments[align] .. "padding:" .. padding .. '"'
end

local function table_xml(rows, kind, display, spec)
  local out = { display and '<mtable displaystyle="true">' or "<mtable>" }
  for _, row in ipairs(rows) do
    out[#out + 1] = "<mtr>"
    for column, cell in ipairs(row) do
      -- An empty row before a relation gives it the spaces of an infix operator.
      local lead = kind == "aligned" and column % 2 == 0 and "<mrow></mrow>" or ""
      out[#out + 1] = ("<mtd %s><mrow>%s%s</mrow></mtd>"):format(cell_attributes(kind, column, spec), lead, cell)
    end
    out[#out + 1] = "</mtr>"
  end
  out[#out + 1] = "</mtable>"
  return table.concat(out)
end

local function environment(p)
  local name = raw_argument(p)
  local plain = name:gsub("%*$", "")
  local shape = environments[plain] or { "matrix" }
  local spec
  if plain == "array" or plain == "alignedat" then spec = raw_argument(p):gsub("[^lcr]", "") end
  raw_option(p)
  local rows = read_rows(p)
  if peek(p) then
    p.at = p.at + 1
    raw_argument(p)
  end
  local body = table_xml(rows, shape[1], shape[4], plain == "array" and spec or nil)
  local attributes = 'stretchy="true" symmetric="true"'
  return node("ord", inner(fence("open", shape[2] or "", attributes).xml .. body
    .. fence("close", shape[3] or "", attributes).xml))
end

local function under_over(p, tag, swap)
  local extra, base = parse_argument(p), parse_argument(p)
  if swap then extra, base = base, extra end
  return ("<%s>%s%s</%s>"):format(tag, base, extra, tag)
end

-- A rule drawn as a border: it is as long as its base whatever the font.
local function ruled(p, side)
  local style = ("border-%s:.06em solid;padding-%s:.1em"):format(side, side)
  return node("ord", ('<mrow style="%s">%s</mrow>'):format(style, parse_argument(p)))
end

local function negated(p)
  local token = peek(p)
  if not token then return text_node("\\not") end
  local result = atom(p)
  result.xml = result.xml:gsub("</mo>$", "\u{338}</mo>"):gsub("</mi>$", "\u{338}</mi>")
  return result
end

local function arrow_with_text(p, text)
  local below, above = raw_option(p), parse_argument(p)
  local arrow = ('<mo stretchy="true">%s</mo>'):format(text)
  if below then
    return node("rel", ("<munderover>%s%s%s</munderover>"):format(arrow, inner(mathml.content(below)), above))
  end
  return node("rel", ("<mover>%s%s</mover>"):format(arrow, above))
end

local function styled_rest(display)
  return function(p)
    local content = parse_row(p, function(token) return is_char(token, "}") or ends_cell(token) or is_middle(token) end)
    return node("ord", ('<mstyle displaystyle="%s" scriptlevel="0">%s</mstyle>'):format(display, content))
  end
end

local function font_switch(variant)
  return function(p)
    p.variant = variant
    return node("space", "")
  end
end

local function ignore_argument(p)
  raw_argument(p)
  return node("space", "")
end

local function nothing() return node("space", "") end

local function text_command(style)
  return function(p) return text_with_math(raw_argument(p), style) end
end

local function modulo(p, name)
  if name == "bmod" then return operator("bin", "mod", 'lspace="0.2em" rspace="0.2em"') end
  if name == "pmod" then
    return node("ord", '<mspace width="0.5em"/><mo stretchy="false">(</mo><mi>mod</mi><mspace width="0.3em"/>'
      .. parse_argument(p) .. '<mo stretchy="false">)</mo>')
  end
  return node("ord", '<mspace width="0.5em"/><mi>mod</mi><mspace width="0.3em"/>')
end

commands = {
  frac = function(p) return node("ord", fraction(p)) end,
  dfrac = function(p) return node("ord", '<mstyle displaystyle="true">' .. fraction(p) .. "</mstyle>") end,
  tfrac = function(p) return node("ord", '<mstyle displaystyle="false">' .. fraction(p) .. "</mstyle>") end,
  binom = function(p)
    return node("ord", inner("<mo>(</mo>" .. fraction(p, ' linethickness="0"') .. "<mo>)</mo>"))
  end,
  sqrt = function(p)
    local degree = raw_option(p)
    local radicand = parse_argument(p)
    if not degree then return node("ord", "<msqrt>" .. radicand .. "</msqrt>") end
    return node("ord", ("<mroot>%s%s</mroot>"):format(radicand, inner(mathml.content(degree))))
  end,
  overline = function(p) return ruled(p, "top") end,
  underline = function(p) return ruled(p, "bottom") end,
  accent = function(p, name)
    local char, below, stretches = table.unpack(symbols.accents[name])
    local tag, brace = below and "munder" or "mover", name:find "brace$"
    local small = name == "vec" and ' style="font-size:.65em"' or ""
    local mark = ('<mo stretchy="%s"%s>%s</mo>'):format(stretches and "true" or "false", small, escape(char))
    local accent = below and ' accentunder="true"' or ' accent="true"'
    local xml = ("<%s%s>%s%s</%s>"):format(tag, brace and "" or accent, parse_argument(p), mark, tag)
    return node(brace and "op" or "ord", xml, brace and "always" or nil)
  end,
  big = function(p, name)
    local class = name:find "l$" and "open" or name:find "r$" and "close" or "ord"
    local size = symbols.sizes[name]
    return fence(class, delimiter(p), ('stretchy="true" minsize="%gem" maxsize="%gem"'):format(size, size))
  end,
  alphabet = function(p, name)
    local before = p.variant
    p.variant = name
    local xml = parse_argument(p)
    p.variant = before
    return node("ord", xml)
  end,
  mathrm = upright, mathup = upright, rm = font_switch "mathrm", bf = font_switch "mathbf",
  mathnormal = function(p) return node("ord", parse_argument(p)) end,
  mathit = function(p)
    local text = raw_argument(p)
    return node("ord", ('<mi style="font-style:italic">%s</mi>'):format(escape(text)))
  end,
  operatorname = function(p) return named_function(raw_argument(p), false) end,
  ["operatorname*"] = function(p) return named_function(raw_argument(p), true) end,
  text = text_command(), textrm = text_command(), mbox = text_command(), textnormal = text_command(),
  textup = text_command(), hbox = text_command(), textbf = text_command "font-weight:bold",
  textit = text_command "font-style:italic", emph = text_command "font-style:italic",
  texttt = text_command "font-family:monospace", textsf = text_command "font-family:sans-serif",
  left = left_right,
  begin = environment,
  overset = function(p) return node("ord", under_over(p, "mover")) end,
  stackrel = function(p) return node("rel", under_over(p, "mover")) end,
  underset = function(p) return node("ord", under_over(p, "munder")) end,
  substack = function(p)
    local sub = { source = raw_argument(p), at = 1, depth = p.depth }
    sub.tokens = tokenize(sub.source)
    return node("ord", table_xml(read_rows(sub), "smallmatrix"))
  end,
  boxed = function(p)
    return node("ord", '<mrow style="border:1px solid;padding:.2em .3em">' .. parse_argument(p) .. "</mrow>")
  end,
  phantom = function(p) return node("ord", "<mphantom>" .. parse_argument(p) .. "</mphantom>") end,
  hphantom = function(p) return node("ord", "<mphantom>" .. parse_argument(p) .. "</mphantom>") end,
  vphantom = ignore_argument,
  ["not"] = negated,
  xrightarrow = function(p) return arrow_with_text(p, "→") end,
  xleftarrow = function(p) return arrow_with_text(p, "←") end,
  bmod = modulo, pmod = modulo, mod = modulo,
  displaystyle = styled_rest "true", textstyle = styled_rest "false",
  tag = function(p)
    return node("ord", '<mspace width="2em"/><mtext>(' .. escape(raw_argument(p)) .. ")</mtext>")
  end,
  label = ignore_argument, color = ignore_argument, hspace = ignore_argument, vspace = ignore_argument,
  nonumber = nothing, notag = nothing, allowbreak = nothing, nobreak = nothing, scriptstyle = nothing,
  limits = nothing, nolimits = nothing, relax = nothing, hfill = nothing, mathstrut = nothing,
  right = function(p) return fence("close", delimiter(p), 'stretchy="false"') end,
  middle = function(p) return fence("ord", delimiter(p), 'stretchy="false"') end,
  ["end"] = ignore_argument,
  ["\\"] = nothing,
}

-- ---- public --------------------------------------------------------------------------------------------------

--- The content of a formula without the <math> element.
---@param source string LaTeX
---@param variant string|nil alphabet in force, such as "mathrm"
---@return string xml
function mathml.content(source, variant)
  local p = { source = source, tokens = tokenize(source), at = 1, depth = 0, variant = variant }
  local rows = {}
  while peek(p) do
    rows[#rows + 1] = parse_row(p, function(token) return is_command(token, "\\") end)
    p.at = p.at + 1
  end
  if #rows <= 1 then return rows[1] or "" end
  for i, row in ipairs(rows) do rows[i] = { row } end
  return table_xml(rows, "gathered", true)
end

--- A formula as a <math> element, with its LaTeX kept for copying and for readers that speak it.
---@param source string LaTeX without the surrounding dollars
---@param display boolean|nil a formula on its own line
---@return string html
function mathml.render(source, display)
  return ('<math display="%s"><semantics><mrow>%s</mrow><annotation encoding="application/x-tex">%s</annotation>'
    .. "</semantics></math>"):format(display and "block" or "inline", mathml.content(source),
    escape((source:gsub("^%s+", ""):gsub("%s+$", ""))))
end

return mathml
