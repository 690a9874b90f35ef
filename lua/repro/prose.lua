--- Prose of a script as HTML: Markdown (CommonMark, by cmark), pipe tables, and mathematics between dollars.
local rp = require "repro"
local highlight = require "repro.highlight"
local mathml = require "repro.mathml"

local prose = {}

-- What Markdown must not touch is replaced by a mark of private-use characters around a number, and put back after.
local mark_open, mark_close = "\u{E000}", "\u{E001}"

local function keep(kept, html)
  kept[#kept + 1] = html
  return mark_open .. #kept .. mark_close
end

local function restore(kept, html)
  return (html:gsub(mark_open .. "(%d+)" .. mark_close, function(number) return kept[tonumber(number)] end))
end

-- End of the code span or fence that starts with a run of backticks at `at`; nil if it is not closed.
local function code_end(text, at)
  local ticks = text:match("^`+", at)
  local from = at + #ticks
  while true do
    local first, last = text:find("`+", from)
    if not first then return nil end
    if last - first + 1 == #ticks then return last end
    from = last + 1
  end
end

-- The formula that begins at a dollar: its LaTeX, whether it stands on its own line, its last position.
local function formula_at(text, at)
  local body, last = text:match("^%$%$(.-)%$%$()", at)
  if body and not body:find "\n%s*\n" then return body, true, last - 1 end
  body, last = text:match("^%$([^$]-[^\\$])%$()", at)
  if not body then body, last = text:match("^%$([^$\\])%$()", at) end
  if not body or body:find "^%s" or body:find "%s$" or body:find "\n%s*\n" or text:find("^%d", last) then return nil end
  return body, false, last - 1
end

local relations = { ["="] = true, ["<"] = true, [">"] = true, ["\\le"] = true, ["\\ge"] = true, ["\\in"] = true, ["\\sim"] = true,
                    ["\\approx"] = true, ["\\to"] = true, ["\\ne"] = true }

-- Parts of an inline formula, each but the last ending with a relation outside all groups: a line may break there, as in
-- TeX.  (MathML has no other way yet.)
local function inline_parts(latex)
  if #latex < 48 or latex:find("\\begin", 1, true) or latex:find("\\\\", 1, true) then return { latex } end
  local parts, depth, from, at = {}, 0, 1, 1
  while at <= #latex do
    local name = latex:match("^\\%a+", at) or latex:match("^\\.", at) or latex:sub(at, at)
    if name:find "^[{(%[]$" or name == "\\left" or name == "\\{" then depth = depth + 1 end
    if name:find "^[})%]]$" or name == "\\right" or name == "\\}" then depth = depth - 1 end
    at = at + #name
    if relations[name] and depth == 0 and latex:find("%S", at) then
      parts[#parts + 1] = latex:sub(from, at - 1)
      from = at
    end
  end
  parts[#parts + 1] = latex:sub(from)
  return parts
end

-- Parts of a display formula between the \qquad that stand outside all groups: a narrow page puts them on lines of
-- their own.
local function display_parts(latex)
  if latex:find("\\begin", 1, true) or latex:find("\\\\", 1, true) then return { latex } end
  local parts, depth, from, at = {}, 0, 1, 1
  while at <= #latex do
    local name = latex:match("^\\%a+", at) or latex:match("^\\.", at) or latex:sub(at, at)
    if name == "{" or name == "\\left" then depth = depth + 1 end
    if name == "}" or name == "\\right" then depth = depth - 1 end
    if name == "\\qquad" and depth == 0 then
      parts[#parts + 1] = latex:sub(from, at - 1)
      from = at + #name
    end
    at = at + #name
  end
  parts[#parts + 1] = latex:sub(from)
  return parts
end

local function formula_html(latex, display)
  if not display then
    local parts = inline_parts(latex)
    for i, part in ipairs(parts) do parts[i] = mathml.render(part) end
    return table.concat(parts, "<wbr>")
  end
  local parts = display_parts(latex)
  for i, part in ipairs(parts) do parts[i] = mathml.render(part, true) end
  return '<span class="display">' .. table.concat(parts) .. "</span>"
end

-- Replaces each formula outside code by a mark.
local function take_formulas(text, kept)
  local out, at = {}, 1
  while at <= #text do
    local from = text:find("[`$\\]", at)
    if not from then break end
    out[#out + 1] = text:sub(at, from - 1)
    local char = text:sub(from, from)
    local last
    if char == "\\" then
      last = from + 1
      out[#out + 1] = text:sub(from, last)
    elseif char == "`" then
      last = code_end(text, from) or select(2, text:find("^`+", from))
      out[#out + 1] = text:sub(from, last)
    else
      local latex, display, final = formula_at(text, from)
      last = final or from
      out[#out + 1] = latex and keep(kept, formula_html(latex, display)) or "$"
    end
    at = last + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

local function cells_of(line)
  local cells = {}
  line = line:gsub("^%s*|", ""):gsub("|%s*$", "")
  for cell in (line .. "|"):gmatch "%s*(.-)%s*|" do cells[#cells + 1] = cell end
  return cells
end

local function inline_html(text)
  return (rp.io.markdown(text):gsub("^%s*<p>(.-)</p>%s*$", "%1"))
end

local function alignment(rule)
  if rule:find "^:.*:$" then return ' style="text-align:center"' end
  if rule:find ":$" then return ' style="text-align:right"' end
  return ""
end

local function table_html(head, rules, rows)
  local out = { '<div class="wide"><table><thead><tr>' }
  local function row_html(cells, tag, scope)
    for i = 1, #head do
      out[#out + 1] = ("<%s%s%s>%s</%s>"):format(tag, scope or "", alignment(rules[i] or ""), inline_html(cells[i] or ""), tag)
    end
  end
  row_html(head, "th", ' scope="col"')
  out[#out + 1] = "</tr></thead><tbody>"
  for _, row in ipairs(rows) do
    out[#out + 1] = "<tr>"
    row_html(row, "td")
    out[#out + 1] = "</tr>"
  end
  out[#out + 1] = "</tbody></table></div>"
  return table.concat(out)
end

local function is_rule(line)
  return line and line:find "%-" and line:find "|" and not line:find "[^%s|:%-]"
end

-- Replaces each pipe table outside code fences by a mark.
local function take_tables(text, kept)
  local lines, out, i, fenced = {}, {}, 1, false
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  while i <= #lines do
    if lines[i]:find "^%s*```" or lines[i]:find "^%s*~~~" then fenced = not fenced end
    if not fenced and lines[i]:find "|" and is_rule(lines[i + 1]) then
      local head, rules, rows = cells_of(lines[i]), cells_of(lines[i + 1]), {}
      i = i + 2
      while lines[i] and lines[i]:find "|" do
        rows[#rows + 1] = cells_of(lines[i])
        i = i + 1
      end
      out[#out + 1] = "\n" .. keep(kept, table_html(head, rules, rows)) .. "\n"
    else
      out[#out + 1] = lines[i]
      i = i + 1
    end
  end
  return table.concat(out, "\n")
end

local function highlight_fences(html)
  local entity = { lt = "<", gt = ">", quot = '"', amp = "&" }
  return (html:gsub('<pre><code class="language%-lua">(.-)</code></pre>', function(code)
    code = code:gsub("&(%a+);", entity)
    return '<pre class="code"><code>' .. highlight.lua(code) .. "</code></pre>"
  end))
end

local function add_heading_ids(html, headings)
  local index = 1
  return (html:gsub("<h(%d)>", function(level)
    local heading = headings[index]
    if not heading or heading.level ~= tonumber(level) then return nil end
    index = index + 1
    return ('<h%s id="%s">'):format(level, heading.slug)
  end))
end

-- A table or a display formula alone in a paragraph needs no paragraph around it.
local function unwrap(html, kept)
  return (html:gsub("<p>" .. mark_open .. "(%d+)" .. mark_close .. "</p>", function(number)
    local block = kept[tonumber(number)]
    if block:find "^<div" then return block end
    if block:find '^<span class="display"' then return '<div class="display">' .. block:sub(23, -8) .. "</div>" end
    return nil
  end))
end

--- HTML of a piece of prose.
---@param text string Markdown with $...$ and $$...$$
---@param headings table|nil array of {level, slug} of its headings in order, which get these ids
---@return string html raw HTML in the prose is left out
function prose.html(text, headings)
  local kept = {}
  text = take_tables(take_formulas(text, kept), kept)
  local html = add_heading_ids(highlight_fences(rp.io.markdown(text)), headings or {})
  return restore(kept, restore(kept, unwrap(html, kept)))
end

--- HTML of a sentence: no paragraph around it.
---@param text string
---@return string
function prose.inline(text)
  local kept = {}
  return restore(kept, inline_html(take_formulas(text, kept)))
end

return prose
