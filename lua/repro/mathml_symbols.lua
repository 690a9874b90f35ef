--- LaTeX commands and the characters they stand for, by the role they play in a formula.
local symbols = {}

local function read(rows)
  local map = {}
  for name, text in rows:gmatch "(%S+)%s+(%S+)" do map[name] = text end
  return map
end

--- Letters and letter-like signs: <mi>.
symbols.letters = read [[
  alpha α  beta β  gamma γ  delta δ  epsilon ϵ  varepsilon ε  zeta ζ  eta η  theta θ  vartheta ϑ  iota ι
  kappa κ  varkappa ϰ  lambda λ  mu μ  nu ν  xi ξ  omicron ο  pi π  varpi ϖ  rho ρ  varrho ϱ  sigma σ
  varsigma ς  tau τ  upsilon υ  phi ϕ  varphi φ  chi χ  psi ψ  omega ω
  ell ℓ  hbar ℏ  imath ı  jmath ȷ  wp ℘  aleph ℵ  beth ℶ  partial ∂
]]

--- Upright letters and signs: <mi mathvariant="normal">.
symbols.upright = read [[
  Gamma Γ  Delta Δ  Theta Θ  Lambda Λ  Xi Ξ  Pi Π  Sigma Σ  Upsilon Υ  Phi Φ  Psi Ψ  Omega Ω
  infty ∞  nabla ∇  emptyset ∅  varnothing ∅  Re ℜ  Im ℑ  top ⊤  bot ⊥  angle ∠  triangle △  square □
  Box □  diamond ⋄  checkmark ✓  dots … ldots …  cdots ⋯  vdots ⋮  ddots ⋱  dotsc …  dotsb ⋯  forall ∀  exists ∃
  nexists ∄  prime ′  backslash \  S §  P ¶  copyright ©  pounds £  degree °  hslash ℏ  flat ♭  sharp ♯
  natural ♮  clubsuit ♣  spadesuit ♠  heartsuit ♡  diamondsuit ♢  surd √
]]

--- Relations: spaced as =.
symbols.relations = read [[
  le ≤  leq ≤  leqslant ⩽  ge ≥  geq ≥  geqslant ⩾  ne ≠  neq ≠  equiv ≡  approx ≈  approxeq ≊  cong ≅  sim ∼
  simeq ≃  propto ∝  ll ≪  gg ≫  prec ≺  succ ≻  preceq ⪯  succeq ⪰  in ∈  ni ∋  notin ∉  subset ⊂  supset ⊃
  subseteq ⊆  supseteq ⊇  subsetneq ⊊  mid ∣  nmid ∤  parallel ∥  perp ⟂  vdash ⊢  dashv ⊣  models ⊨  asymp ≍
  doteq ≐  triangleq ≜  coloneqq ≔  eqqcolon ≕  lesssim ≲  gtrsim ≳  to →  rightarrow →  leftarrow ←  gets ←
  leftrightarrow ↔  Rightarrow ⇒  Leftarrow ⇐  Leftrightarrow ⇔  implies ⟹  impliedby ⟸  iff ⟺
  longrightarrow ⟶  longleftarrow ⟵  longleftrightarrow ⟷  Longrightarrow ⟹  Longleftarrow ⟸  mapsto ↦
  longmapsto ⟼  uparrow ↑  downarrow ↓  updownarrow ↕  nearrow ↗  searrow ↘  swarrow ↙  nwarrow ↖
  hookrightarrow ↪  hookleftarrow ↩  rightsquigarrow ⇝  leadsto ⇝  rightharpoonup ⇀  rightleftharpoons ⇌
  sqsubseteq ⊑  trianglelefteq ⊴  independent ⫫  colon :  lt <  gt >
]]

--- Binary operators: spaced as +.
symbols.binary = read [[
  times ×  cdot ⋅  div ÷  pm ±  mp ∓  ast ∗  star ⋆  circ ∘  bullet •  odot ⊙  oplus ⊕  ominus ⊖  otimes ⊗
  oslash ⊘  wedge ∧  land ∧  vee ∨  lor ∨  cap ∩  cup ∪  setminus ∖  uplus ⊎  sqcap ⊓  sqcup ⊔  amalg ⨿
  dagger †  ddagger ‡  ltimes ⋉  rtimes ⋊  boxplus ⊞  boxtimes ⊠  bigtriangleup △  wr ≀
]]

--- Signs without space around them: <mo> with no spacing.
symbols.plain = read [[
  lnot ¬  neg ¬  # #  % %  & &  $ $  _ _
]]

--- Large operators; those in `limits` take their scripts above and below in display style.
symbols.large = read [[
  sum ∑  prod ∏  coprod ∐  int ∫  iint ∬  iiint ∭  oint ∮  bigcup ⋃  bigcap ⋂  bigvee ⋁  bigwedge ⋀
  bigoplus ⨁  bigotimes ⨂  bigodot ⨀  biguplus ⨄  bigsqcup ⨆
]]
symbols.integrals = { int = true, iint = true, iiint = true, oint = true }

--- Functions set upright; those with true take limits below.
symbols.functions = {
  log = false, ln = false, lg = false, exp = false, sin = false, cos = false, tan = false, cot = false, sec = false,
  csc = false, sinh = false, cosh = false, tanh = false, coth = false, arcsin = false, arccos = false,
  arctan = false, deg = false, dim = false, ker = false, hom = false, arg = false, det = true, gcd = true,
  lim = true, liminf = true, limsup = true, max = true, min = true, sup = true, inf = true, Pr = true,
  argmax = true, argmin = true,
}

--- Brackets and bars that \left, \right and \big accept, by what follows the command.
symbols.delimiters = read [[
  ( (  ) )  [ [  ] ]  | |  / /  < ⟨  > ⟩  \| ‖  \{ {  \} }  \langle ⟨  \rangle ⟩  \lfloor ⌊  \rfloor ⌋
  \lceil ⌈  \rceil ⌉  \lvert |  \rvert |  \lVert ‖  \rVert ‖  \vert |  \Vert ‖  \lbrace {  \rbrace }
  \lbrack [  \rbrack ]  \uparrow ↑  \downarrow ↓  \updownarrow ↕  \backslash \  \llbracket ⟦  \rrbracket ⟧
  \lgroup ⟮  \rgroup ⟯  \ulcorner ⌜  \urcorner ⌝
]]

--- Accents: {character, below?, stretches?}.
symbols.accents = {
  hat = { "ˆ" }, check = { "ˇ" }, tilde = { "˜" }, acute = { "´" }, grave = { "`" }, dot = { "˙" },
  ddot = { "¨" }, dddot = { "⃛" }, breve = { "˘" }, bar = { "¯" }, vec = { "→" }, mathring = { "˚" },
  widehat = { "ˆ", false, true }, widetilde = { "˜", false, true },
  overrightarrow = { "→", false, true }, overleftarrow = { "←", false, true }, overbrace = { "⏞", false, true },
  underbrace = { "⏟", true, true }, widecheck = { "ˇ", false, true },
}

--- Horizontal space in em.
symbols.spaces = {
  [","] = 0.1667, [":"] = 0.2222, [">"] = 0.2222, [";"] = 0.2778, ["!"] = -0.1667, [" "] = 0.25, quad = 1,
  qquad = 2, enspace = 0.5, thinspace = 0.1667, medspace = 0.2222, thickspace = 0.2778, negthinspace = -0.1667,
}

--- Size in em of \big and its kin.
symbols.sizes = {}
for size, names in pairs { [1.2] = "big bigl bigr bigm", [1.8] = "Big Bigl Bigr Bigm",
                           [2.4] = "bigg biggl biggr biggm", [3.0] = "Bigg Biggl Biggr Biggm" } do
  for name in names:gmatch "%a+" do symbols.sizes[name] = size end
end

--- First characters of the mathematical alphabets (capitals, small letters, digits) and the letters that Unicode
--- has elsewhere.
symbols.alphabets = {
  mathbb = { A = 0x1D538, a = 0x1D552, ["0"] = 0x1D7D8,
             C = 0x2102, H = 0x210D, N = 0x2115, P = 0x2119, Q = 0x211A, R = 0x211D, Z = 0x2124 },
  mathcal = { A = 0x1D49C, a = 0x1D4B6, B = 0x212C, E = 0x2130, F = 0x2131, H = 0x210B, I = 0x2110, L = 0x2112,
              M = 0x2133, R = 0x211B, e = 0x212F, g = 0x210A, o = 0x2134 },
  mathfrak = { A = 0x1D504, a = 0x1D51E, C = 0x212D, H = 0x210C, I = 0x2111, R = 0x211C, Z = 0x2128 },
  mathbf = { A = 0x1D400, a = 0x1D41A, ["0"] = 0x1D7CE },
  boldsymbol = { A = 0x1D468, a = 0x1D482, ["0"] = 0x1D7CE, alpha = 0x1D736, Alpha = 0x1D71C },
  mathsf = { A = 0x1D5A0, a = 0x1D5BA, ["0"] = 0x1D7E2 },
  mathtt = { A = 0x1D670, a = 0x1D68A, ["0"] = 0x1D7F6 },
}
symbols.alphabets.mathscr = symbols.alphabets.mathcal
symbols.alphabets.bm = symbols.alphabets.boldsymbol
symbols.alphabets.pmb = symbols.alphabets.boldsymbol
symbols.alphabets.Bbb = symbols.alphabets.mathbb

return symbols
