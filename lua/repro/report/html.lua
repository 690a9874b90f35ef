--- report.html: one file, no network, no script.
local content = require "repro.report.content"
local checks = require "repro.checks"
local embed = require "repro.report.embed"
local files = require "repro.files"
local highlight = require "repro.highlight"
local progress = require "repro.progress"
local prose = require "repro.prose"
local style = require "repro.report.style"

local html = {}

local escape = highlight.escape

local classes = { pass = "pass", fail = "fail", ["not reproduced"] = "miss" }

local function verdict_span(status)
  return ('<span class="v %s">%s %s</span>'):format(classes[status] or "none", content.marks[status], status)
end

-- ---- the parts between: code, checks, figures, tables, notes ---------------------------------------------------

local function code_html(item)
  local out, number = {}, item.first
  for line in (highlight.lua(item.text) .. "\n"):gmatch "(.-)\n" do
    out[#out + 1] = ('<span class="l" id="L%d" data-n="%d">%s</span>'):format(number, number, line)
    number = number + 1
  end
  return '<pre class="code lines"><code>' .. table.concat(out) .. "</code></pre>"
end

-- What a check says of itself: the sentence, else its id; and the place in the paper.
local function check_words(check)
  local words = check.text and prose.inline(check.text) or "<b>" .. escape(check.id) .. "</b>"
  if check.where then words = words .. ' <span class="soft">· ' .. prose.inline(check.where) .. "</span>" end
  if check.note and check.status ~= "pass" then
    words = words .. ' <span class="soft">(' .. escape(check.note) .. ")</span>"
  end
  return words
end

local function compared(check)
  local expected, measured = escape(content.expected(check)), escape(content.measured(check))
  if check.kind == "not_run" then return "" end
  if check.kind == "quoted" then
    return ("paper %s%s"):format(expected, measured ~= "" and ", here " .. measured or "")
  end
  local repeats = check.kind == "pinned" and check.status == "pass"
  if expected == "" or expected == measured or repeats then return measured end
  if check.kind == "exact" or check.kind == "pinned" then return ("%s (expected %s)"):format(measured, expected) end
  return ("%s (%s)"):format(measured, expected)
end

local function check_item(check)
  return ('<li>%s<span class="what ui"><a href="#check-%s">%s</a></span><span class="num">%s</span></li>'):format(
    verdict_span(check.status), escape(check.id), check_words(check), compared(check))
end

-- A plot of ours stands in the page itself, whose colours it takes; other images are kept apart in an <img>.
local function inline_plot(path, name)
  local text = path:find "%.svg$" and files.read(path)
  if not (text and text:find 'class="rp%-plot"' and not text:find "<script") then return nil end
  text = text:gsub("^<%?xml.-%?>%s*", ""):gsub("^<!DOCTYPE[^>]*>%s*", "")
  return (text:gsub('^(<svg[^>]-aria%-label=")[^"]*', function(head) return head .. escape(name) end))
end

local function image_html(output, result)
  local path = files.join(result.directory, output.path)
  local plot = inline_plot(path, output.name)
  if plot then return plot end
  local address, width = embed.image(path)
  if not address then return '<span class="soft">(the file ' .. escape(output.path) .. " is missing)</span>" end
  local small = width and width < 320 and ' class="pixels"' or ""
  return ('<img src="%s" alt="%s"%s>'):format(address, escape(output.name), small)
end

local function figure_html(output, result)
  local image = image_html(output, result)
  local caption = output.caption and " " .. prose.inline(output.caption) or ""
  return ("<figure>%s<figcaption><b>%s.</b>%s</figcaption></figure>"):format(image, escape(output.name), caption)
end

local function is_number(text) return tonumber(text) ~= nil or text:find "^%-?[%d.]+e?[%d+-]* %([^()]*%)$" ~= nil end

-- A mean with its range breaks, if it must, between the two.
local function cell_html(text)
  local mean, range = text:match "^(%-?[%d.]+e?[%d+-]*) (%([^()]*%))$"
  if not mean then return prose.inline(text) end
  return ('%s <span class="range">%s</span>'):format(mean, escape(range))
end

local function column_heads(...)
  local out = {}
  for i, name in ipairs { ... } do out[i] = '<th scope="col">' .. name .. "</th>" end
  return table.concat(out)
end

local function table_html(output)
  local out = { ('<div class="wide"><table><caption class="caption"><b>%s.</b> %s</caption><thead><tr>'):format(
    escape(output.name), output.caption and prose.inline(output.caption) or "") }
  local first = output.rows[1] or {}
  for i, cell in ipairs(output.header) do
    out[#out + 1] = ('<th scope="col"%s>%s</th>'):format(is_number(first[i]) and ' class="r"' or "", prose.inline(cell))
  end
  out[#out + 1] = "</tr></thead><tbody>"
  for _, row in ipairs(output.rows) do
    out[#out + 1] = "<tr>"
    for _, cell in ipairs(row) do
      out[#out + 1] = ("<td%s>%s</td>"):format(is_number(cell) and ' class="r"' or "", cell_html(cell))
    end
    out[#out + 1] = "</tr>"
  end
  out[#out + 1] = "</tbody></table></div>"
  return table.concat(out)
end

-- Outputs in their order; neighbouring checks share one list.
local function outputs_html(outputs, result, by_id)
  local out, list = {}, {}
  local function flush()
    if #list > 0 then out[#out + 1] = '<ul class="checks">' .. table.concat(list) .. "</ul>" end
    list = {}
  end
  for _, output in ipairs(outputs) do
    if output.type == "check" then
      if by_id[output.id] then list[#list + 1] = check_item(by_id[output.id]) end
    else
      flush()
      if output.type == "figure" then out[#out + 1] = figure_html(output, result) end
      if output.type == "table" then out[#out + 1] = table_html(output) end
      if output.type == "note" or output.type == "sweep" then out[#out + 1] = prose.html(output.text) end
    end
  end
  flush()
  return table.concat(out, "\n")
end

-- ---- the parts around: header, card, contents, table of checks -------------------------------------------------

local function heading_html(header)
  local by = {}
  if header.authors then by[#by + 1] = escape(header.authors) end
  if header.arxiv then
    by[#by + 1] = ('<a href="https://arxiv.org/abs/%s">arXiv:%s</a>'):format(escape(header.arxiv), escape(header.arxiv))
  end
  if header.url then by[#by + 1] = ('<a href="%s">%s</a>'):format(escape(header.url), escape(header.url)) end
  if header.year then by[#by + 1] = tostring(header.year) end
  return ('<header><h1>%s</h1><p class="by">%s</p>'):format(prose.inline(header.title), table.concat(by, " · "))
    .. (header.summary and "<p>" .. prose.inline(header.summary) .. "</p>" or "") .. "</header>"
end

local function bar_html(counts)
  local out = {}
  for _, part in ipairs { { "pass", counts.pass }, { "fail", counts.fail }, { "miss", counts.not_reproduced },
                          { "none", counts.not_pinned + counts.not_run } } do
    if part[2] > 0 then out[#out + 1] = ('<i class="%s" style="flex:%d"></i>'):format(part[1], part[2]) end
  end
  return '<div class="bar">' .. table.concat(out) .. "</div>"
end

local function changed_html(result)
  local changed = checks.changed_pins(result.checks)
  if #changed == 0 then return "" end
  for i, line in ipairs(changed) do changed[i] = '<li class="num">' .. escape(line) .. "</li>" end
  return '<div class="warn">Pinned numbers that changed:<ul>' .. table.concat(changed) .. "</ul></div>"
end

local function card_html(document, result)
  if not result then return "" end
  local out = { '<section class="card ui"><span class="sum">' .. escape(content.verdict(result)) .. "</span>",
                bar_html(checks.count(result.checks)), '<dl class="facts">' }
  for _, fact in ipairs(content.facts(result)) do
    out[#out + 1] = ("<div><dt>%s</dt><dd>%s</dd></div>"):format(escape(fact[1]), escape(fact[2]))
  end
  out[#out + 1] = "</dl>" .. changed_html(result)
  if result.error then out[#out + 1] = '<p class="warn">' .. escape(result.error) .. "</p>" end
  if content.is_stale(document, result) then
    out[#out + 1] = '<p class="warn">The script has changed since this run: its numbers belong to the earlier text.</p>'
  end
  out[#out + 1] = "</section>"
  return table.concat(out)
end

-- The contents twice: as a column beside the text, and folded for a narrow page; the style shows one of them.
local function contents_html(document, result)
  local out = {}
  for _, heading in ipairs(document.headings) do
    if heading.level == 2 or heading.level == 3 then
      out[#out + 1] = ('<li class="h%d"><a href="#%s">%s</a></li>'):format(heading.level, heading.slug,
        prose.inline(heading.text))
    end
  end
  if #out == 0 then return "", "" end
  if result then out[#out + 1] = '<li class="h2"><a href="#all-checks">All checks</a></li>' end
  local list = "<ol>" .. table.concat(out) .. "</ol>"
  return '<nav class="toc ui"><b>Contents</b>' .. list .. "</nav>",
    '<details class="toc ui"><summary>Contents</summary>' .. list .. "</details>"
end

local function check_row(check)
  local function num(name, text)
    return ('<td class="num%s" data-name="%s">%s</td>'):format(#text > 24 and " long" or "", name, escape(text))
  end
  local place = check.where and " · " .. prose.inline(check.where) or ""
  return table.concat {
    ('<tr id="check-%s"><td>%s</td>'):format(escape(check.id), verdict_span(check.status)),
    ('<td class="what"><b>%s</b> <span class="soft">%s%s</span>%s</td>'):format(escape(check.id),
      content.kinds[check.kind], place, check.text and "<br>" .. prose.inline(check.text) or ""),
    num("expected", content.expected(check)), num("measured", content.measured(check)),
    ('<td class="num brief" data-name="line"><a href="#L%d">%d</a></td>'):format(check.line, check.line),
    ('<td class="num brief" data-name="time">%s</td></tr>'):format(progress.duration(check.cost)),
  }
end

local function all_checks_html(result)
  if not result or #result.checks == 0 then return "" end
  local out = { '<h2 id="all-checks">All checks</h2><div class="wide"><table class="all"><thead><tr>'
    .. column_heads("Verdict", "Check", "Expected", "Measured", "Line", "Time")
    .. "</tr></thead><tbody>" }
  for _, check in ipairs(result.checks) do out[#out + 1] = check_row(check) end
  out[#out + 1] = "</tbody></table></div>"
  return table.concat(out)
end

local function settings_html(result)
  if not result or #result.settings == 0 then return "" end
  local out = { '<h2 id="settings">Settings</h2><div class="wide"><table><thead><tr>'
    .. column_heads("Name", "Value", "Default", "Meaning") .. "</tr></thead><tbody>" }
  for _, row in ipairs(result.settings) do
    local value = escape(checks.show(row.value, "pinned"))
    if row.changed then value = "<b>" .. value .. "</b>" end
    out[#out + 1] = ('<tr><td>%s</td><td class="num">%s</td><td class="num">%s</td><td>%s</td></tr>'):format(
      escape(row.name), value, escape(checks.show(row.default, "pinned")), row.help and prose.inline(row.help) or "")
  end
  out[#out + 1] = "</tbody></table></div>"
  return table.concat(out)
end

-- ---- the page --------------------------------------------------------------------------------------------------

-- A first heading that repeats the title is left out: the header shows it.
local function without_title(text, headings)
  local first = headings[1]
  if not (first and first.level == 1 and text:find "^%s*#%s") then return text, headings end
  return (text:gsub("^%s*#%s[^\n]*\n?", "", 1)), { table.unpack(headings, 2) }
end

local function body_html(document, result)
  local items, rest = content.items(document, result)
  local by_id, out = content.checks_by_id(result), {}
  for index, item in ipairs(items) do
    if item.kind == "prose" then
      local text, headings = item.text, item.headings
      if index <= 2 then text, headings = without_title(text, headings) end
      out[#out + 1] = prose.html(text, headings)
    elseif content.is_preamble(item) then
      out[#out + 1] = '<details class="fold ui"><summary>Preamble</summary>' .. code_html(item) .. "</details>"
    else
      out[#out + 1] = code_html(item)
      out[#out + 1] = outputs_html(item.outputs, result, by_id)
    end
  end
  if #rest > 0 then out[#out + 1] = "<h2>Further results</h2>" .. outputs_html(rest, result, by_id) end
  return table.concat(out, "\n")
end

local function footer_html(document, result)
  local words = "From " .. escape(document.name)
  if result then words = words .. (", scale %s, seed %d"):format(escape(result.scale), result.seed) end
  return '<footer class="ui">' .. words .. ". Written by repro.</footer>"
end

--- The page.
---@param document table
---@param result table|nil
---@return string
function html.page(document, result)
  local header = content.header(document, result)
  local column, folded = contents_html(document, result)
  return table.concat({
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    "<title>" .. escape(header.title) .. "</title>", "<style>" .. style .. "</style>\n</head>\n<body>",
    column, "<main>", heading_html(header), card_html(document, result), folded,
    body_html(document, result), all_checks_html(result), settings_html(result), footer_html(document, result),
    "</main>\n</body>\n</html>\n",
  }, "\n")
end

return html
