--- LaTeX to MathML, Lua highlighting, the Lua lexer: pure functions of text.
local T = require "tap"
local mathml = require "repro.mathml"
local highlight = require "repro.highlight"
local lexer = require "repro.lexer"

-- Whether every element is closed in order; names the first that is not.
local function well_formed(xml)
  local open = {}
  for slash, name, self_closed in xml:gmatch "<(/?)([%a]+)[^<>]-(/?)>" do
    if slash == "/" then
      if table.remove(open) ~= name then return false, "unexpected </" .. name .. ">" end
    elseif self_closed ~= "/" then
      open[#open + 1] = name
    end
  end
  return #open == 0, open[1] and "open <" .. open[1] .. ">"
end

local function has(latex, part, name)
  local xml = mathml.content(latex)
  T.ok(xml:find(part, 1, true), name or latex, "got " .. xml .. "\nwanted " .. part)
end

-- ---- single constructions -------------------------------------------------------------------------------------
has("x", "<mi>x</mi>")
has("12.5", "<mn>12.5</mn>")
has("a+b", "<mo>+</mo>")
has("-x", 'form="prefix"', "a minus at the start is a sign")
has("a = -b", '<mo>=</mo><mo form="prefix"', "a minus after = is a sign")
has("x_i", "<msub><mi>x</mi><mrow><mi>i</mi></mrow></msub>")
has("x^{2}", "<msup><mi>x</mi>")
has("x_i^2", "<msubsup>")
has("x^2_i", "<msubsup>", "scripts in either order")
has("f'", "′")
has("\\frac{a}{b}", "<mfrac><mrow><mrow><mi>a</mi></mrow></mrow><mrow><mrow><mi>b</mi></mrow></mrow></mfrac>")
has("\\tfrac12", "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>", "arguments of one digit")
has("\\sqrt{x}", "<msqrt>")
has("\\sqrt[3]{x}", "<mroot>")
has("\\alpha\\Gamma", "<mi>α</mi>")
has("\\Gamma", '<mi mathvariant="normal">Γ</mi>')
has("\\mathbb{R}", "<mi>ℝ</mi>")
has("\\mathbb{E}", "<mi>𝔼</mi>")
has("\\mathcal{L}", "<mi>ℒ</mi>")
has("\\mathcal{N}", "<mi>𝒩</mi>")
has("\\mathbf{x}", "<mi>𝐱</mi>")
has("\\boldsymbol{\\alpha}", "<mi>𝜶</mi>")
has("\\mathrm{con}", '<mi mathvariant="normal">con</mi>')
has("\\text{if } x", "<mtext>if\u{A0}</mtext>")
has("\\text{if $x$}", "<mi>x</mi>", "mathematics inside text")
has("\\sum_{i=1}^n", "<munderover><mo movablelimits=\"true\">∑</mo>")
has("\\int_0^1", "<msubsup><mo movablelimits=\"false\">∫</mo>")
has("\\sum\\limits_i", "movablelimits=\"false\"", "limits by command")
has("\\log x", "<mi>log</mi><mspace", "a thin space after a function")
has("\\max_x f", "<munder>")
has("\\operatorname{tr} A", "<mi>tr</mi>")
has("\\hat{x}", '<mover accent="true">')
has("\\bar\\alpha_t", "<msub><mover", "an accent binds tighter than a subscript")
has("\\overline{AB}", "border-top")
has("\\underbrace{a+b}_{c}", "<munder><munder>")
has("\\left( x \\right)", 'stretchy="true"')
has("\\left\\| x \\right\\|", "‖")
has("\\left. x \\right|", "|")
has("\\big( x \\big)", 'minsize="1.2em"')
has("\\langle a, b\\rangle", "⟨")
has("a \\le b \\ne c \\in d", "≤")
has("a \\not= b", "=\u{338}")
has("x \\to \\infty", "→")
has("\\binom{n}{k}", 'linethickness="0"')
has("a \\qquad b", '<mspace width="2em"/>')
has("\\begin{cases} a & b \\\\ c & d \\end{cases}", "<mtable>")
has("\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}", 'columnalign="right"')
has("\\begin{pmatrix} 1 & 0 \\\\ 0 & 1 \\end{pmatrix}", "<mtd columnalign=\"center\"")
has("\\begin{array}{lr} a & b \\end{array}", 'columnalign="left"')
has("a \\\\ b", "<mtable", "lines without an environment")
has("\\xrightarrow{f}", "<mover>")
has("x \\pmod{n}", "<mi>mod</mi>")
has("\\frobnicate x", '<mtext class="unknown">\\frobnicate</mtext>', "an unknown command is shown as written")
has("a < b & c", "&lt;", "reserved characters are escaped")

local _, rows = mathml.content("\\begin{cases} a & b \\\\ c & d \\\\ \\end{cases}"):gsub("<mtr>", "")
T.eq(rows, 2, "a final \\\\ makes no empty row")
has("\\mathrm{a}b", "<mi>b</mi>", "an alphabet ends with its group")

-- ---- whatever is given, the result is well-formed -----------------------------------------------------------------
local hard = {
  "", " ", "{", "}", "{{{{", "}}}}", "^", "_", "^_", "x^", "x_", "x^^y", "x_a_b", "\\", "\\frac", "\\frac{a}", "\\sqrt[", "\\left(",
  "\\right)", "\\left", "\\begin{matrix} a", "\\begin", "\\end{x}", "\\begin{nonsense} a & b \\end{nonsense}", "\\text{", "\\text{$x",
  "&", "a & b", "\\\\", "'", "''''", "$", "%comment", "a % comment\n b", "\255\254", "é", "\\mathbb", "\\mathbb{", "\\big", "\\not",
  "\\hat", "\\limits", "\\operatorname", "\\tag{5}", "\\substack{a \\\\ b}", "<script>alert(1)</script>", "\\text{<b>&amp;\"}",
  ("{"):rep(3000), ("\\left("):rep(1000), ("\\frac"):rep(500), ("x^"):rep(500), ("\\begin{cases}"):rep(300), ("\\sqrt{"):rep(2000),
}
local bad = {}
for _, latex in ipairs(hard) do
  local ok, xml = pcall(mathml.render, latex, true)
  local formed, why = false, xml
  if ok then formed, why = well_formed(xml) end
  if not formed then bad[#bad + 1] = ("%q: %s"):format(latex:sub(1, 40), why) end
end
T.eq(table.concat(bad, "\n"), "", #hard .. " malformed or extreme formulas give well-formed MathML")

-- Random strings of commands and signs, drawn by a small generator of its own.
local pieces = { "\\frac", "{", "}", "^", "_", "\\left(", "\\right)", "x", "1", "&", "\\\\", "\\begin{cases}", "\\end{cases}", "'",
                 "\\sum", "\\mathbb", "\\text", "[", "]", "\\sqrt", "\\hat", "\\not", "\\limits", " ", "\\big", "$", "\\middle|" }
local state, failures = 1, 0
for _ = 1, 2000 do
  local parts = {}
  for i = 1, 12 do
    state = (state * 48271) % 2147483647
    parts[i] = pieces[state % #pieces + 1]
  end
  local ok, xml = pcall(mathml.render, table.concat(parts))
  if not (ok and well_formed(xml)) then failures = failures + 1 end
end
T.eq(failures, 0, "2000 random formulas give well-formed MathML")

T.ok(mathml.render("x", true):find('display="block"', 1, true), "a display formula")
T.ok(mathml.render("x<y"):find('<annotation encoding="application/x-tex">x&lt;y</annotation>', 1, true), "the LaTeX is kept")

-- ---- the lexer ------------------------------------------------------------------------------------------------------
local source = [==[
#!/usr/bin/env repro
local a = 0x1p-3 + 1e-5 .. "s\"t" -- c
--[[ long
comment ]] local s = [=[ x ]] ]=]
goto done; ::done:: return a//2 ~= 3, {...}, 3..2, .5, 'q\
r'
]==]
local texts = {}
for i, token in ipairs(lexer.tokens(source)) do texts[i] = token.text end
T.eq(table.concat(texts), source, "the tokens joined give the source back")
local code = {}
for i, token in ipairs(lexer.code(source)) do code[i] = token.kind .. ":" .. token.text end
T.eq({ table.unpack(code, 1, 8) }, { "keyword:local", "name:a", "symbol:=", "number:0x1p-3", "symbol:+", "number:1e-5", "symbol:..",
  'string:"s\\"t"' }, "kinds and texts of tokens")
T.eq(lexer.string_value(lexer.code('"a\\n\\65"')[1]), "a\nA", "the value of a string literal")
T.eq(lexer.tokens("a\nb")[3].line, 2, "line numbers")

-- ---- highlighting -----------------------------------------------------------------------------------------------------
local html = highlight.lua 'local x = f(1) -- <b>\nreturn "a&b"'
T.ok(html:find('<span class="k">local</span>', 1, true), "keywords are marked")
T.ok(html:find('<span class="f">f</span>', 1, true), "called functions are marked")
T.ok(html:find("&lt;b&gt;", 1, true) and html:find("a&amp;b", 1, true), "reserved characters are escaped")
T.ok(well_formed(highlight.lua(source)), "spans are closed")
local function lines(text) return select(2, text:gsub("\n", "")) end
T.eq(lines(highlight.lua(source)), lines(source), "as many lines as the source")

T.done()
