--- Labels: plain text with formulas between dollar signs, as runs that both writers draw.
-- Inside $...$: Greek and other symbols by their TeX names, ^ and _ with one character or {...}, letters in italics.
-- `\$` is a dollar sign; a lone dollar sign stays as it is.
local font = require "repro.plot.font"

local label = {}

local SYMBOLS = {}
for name, char in ([[
alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta θ iota ι kappa κ lambda λ mu μ nu ν
xi ξ pi π rho ρ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ
Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω times × cdot · pm ± circ ∘ bullet • leq ≤ le ≤ geq ≥ ge ≥ neq ≠ ne ≠ approx ≈ sim ∼
infty ∞ propto ∝ to → rightarrow → leftarrow ← uparrow ↑ downarrow ↓ partial ∂ nabla ∇ sum ∑ prod ∏ int ∫ sqrt √ in ∈
Vert ‖ langle ⟨ rangle ⟩ prime ′ ell ℓ ldots … dots … mid | quad : { { } }
]]):gmatch("(%S+) (%S+)") do SYMBOLS[name] = char end
SYMBOLS.quad = "  "

local ACCENTS = { hat = "\u{302}", tilde = "\u{303}", bar = "\u{304}", dot = "\u{307}", ddot = "\u{308}" }
local UPRIGHT = { mathrm = true, text = true, operatorname = true, mathbf = true, textrm = true }
local IGNORED = { mathcal = true, mathbb = true, mathit = true, boldsymbol = true, left = true, right = true,
  displaystyle = true }
local SCRIPT_SCALE, RAISE, LOWER = 0.72, 0.36, -0.16

local function add(runs, text, style)
  if text == "" then return end
  local last = runs[#runs]
  if last and last.scale == style.scale and last.rise == style.rise and last.italic == style.italic then
    last.text = last.text .. text
  else
    runs[#runs + 1] = { text = text, scale = style.scale, rise = style.rise, italic = style.italic }
  end
end

-- The argument that begins at i: {...} with nesting, a \command or one character. Returns it and the next position.
local function argument(s, i)
  if s:sub(i, i) == "{" then
    local inner = s:match("^%b{}", i)
    if inner then return inner:sub(2, -2), i + #inner end
  end
  local command = s:match("^\\%a+", i)
  if command then return command, i + #command end
  local char = s:match("^" .. utf8.charpattern, i) or s:sub(i, i)
  return char, i + math.max(#char, 1)
end

local math_runs

local function script(runs, s, i, style, sign)
  local inner, next_i = argument(s, i)
  local rise = style.rise + style.scale * (sign == "^" and RAISE or LOWER)
  math_runs(runs, inner, { scale = style.scale * SCRIPT_SCALE, rise = rise, italic = style.italic })
  return next_i
end

local function command(runs, s, i, style)
  local name = s:match("^%a+", i)
  if not name then -- \, \; and the like are spaces; an escaped sign is itself
    local char = s:sub(i, i)
    add(runs, char:find("[,;: !]") and "\u{2009}" or char, style)
    return i + 1
  end
  i = i + #name
  local upright = { scale = style.scale, rise = style.rise, italic = false }
  if UPRIGHT[name] or ACCENTS[name] then
    local inner, next_i = argument(s, i)
    if UPRIGHT[name] then add(runs, inner, upright)
    else math_runs(runs, inner, style); add(runs, ACCENTS[name], runs[#runs] or style) end
    return next_i
  end
  if not IGNORED[name] then add(runs, SYMBOLS[name] or name, upright) end
  return i
end

function math_runs(runs, s, style)
  local upright = { scale = style.scale, rise = style.rise, italic = false }
  local slanted = { scale = style.scale, rise = style.rise, italic = true }
  local i = 1
  while i <= #s do
    local char = s:match("^" .. utf8.charpattern, i) or s:sub(i, i)
    if char == "\\" then i = command(runs, s, i + 1, style)
    elseif char == "^" or char == "_" then i = script(runs, s, i + 1, style, char)
    elseif char == "{" or char == "}" then i = i + 1
    else
      add(runs, char == "-" and "−" or char == "'" and "′" or char, char:find("^%a$") and slanted or upright)
      i = i + math.max(#char, 1)
    end
  end
end

local PLAIN = { scale = 1, rise = 0, italic = false }

-- Position of the dollar sign that closes a formula opened at i, or nil.
local function closing(s, i)
  local j = i
  while true do
    j = s:find("$", j, true)
    if not j then return nil end
    if s:sub(j - 1, j - 1) ~= "\\" then return j end
    j = j + 1
  end
end

--- Parses a label into runs {text=, scale= (of the font size), rise= (em of the label), italic=}.
---@param text string
---@return table[]
function label.parse(text)
  local runs, i = {}, 1
  while i <= #text do
    local open = closing(text, i)
    local close = open and closing(text, open + 1)
    if not close then break end
    add(runs, (text:sub(i, open - 1):gsub("\\%$", "$")), PLAIN)
    math_runs(runs, text:sub(open + 1, close - 1), PLAIN)
    i = close + 1
  end
  add(runs, (text:sub(i):gsub("\\%$", "$")), PLAIN)
  return runs
end

--- Width of runs in em of the label's font size.
---@param runs table[]
---@return number
function label.runs_width(runs)
  local sum = 0
  for _, run in ipairs(runs) do sum = sum + run.scale * font.width(run.text) end
  return sum
end

--- Width of a label at a font size, in the unit of the size. Bold text is a little wider.
---@param text string
---@param size number
---@param bold boolean|nil
---@return number
function label.width(text, size, bold)
  return label.runs_width(label.parse(text)) * size * (bold and 1.06 or 1)
end

--- The label without markup, for accessible descriptions.
---@param text string
---@return string
function label.plain(text)
  local parts = {}
  for _, run in ipairs(label.parse(text)) do
    if run.rise > 0 then parts[#parts + 1] = "^" elseif run.rise < 0 then parts[#parts + 1] = "_" end
    parts[#parts + 1] = run.text
  end
  return table.concat(parts)
end

-- Words of a line; a formula with spaces stays whole.
local function words_of(line)
  local words, open = {}, false
  for word in line:gmatch("%S+") do
    if open then words[#words] = words[#words] .. " " .. word else words[#words + 1] = word end
    local _, dollars = word:gsub("%$", "")
    if dollars % 2 == 1 then open = not open end
  end
  return words
end

--- Breaks a label into lines no wider than `width`, between words and at "\n".
---@param text string
---@param size number
---@param width number
---@param bold boolean|nil
---@return string[]
function label.wrap(text, size, width, bold)
  local lines = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local current = nil
    for _, word in ipairs(words_of(line)) do
      local longer = current and current .. " " .. word or word
      if current and label.width(longer, size, bold) > width then
        lines[#lines + 1], current = current, word
      else current = longer end
    end
    lines[#lines + 1] = current or ""
  end
  return lines
end

return label
