--- How several losses pull on what they share: a feature, or the parameters of layers; step by step and layer by layer.
---
---     local steps = {}
---     for k = 1, 400 do
---       ...
---       rp.conflict{losses = {l_con, l_rec}, at = z, into = steps}
---     end
---     local s = rp.conflict.summary(steps)
---     print(s.fraction_negative, s.cosine, s.ratio)

local core = require "repro.core"
local misuse = require "repro.misuse"
local options = require "repro.options"
local derived = require "repro.derived"
local mean = require("repro.runs").mean

local library = {}

------------------------------------------------------------------------------------------------------- places

local function check_tensor(x, name)
  if not core.is_tensor(x) then misuse("conflict: at: %s is a %s, not a tensor", name, type(x)) end
  if not x.requires_grad then
    misuse("conflict: at: %s needs no gradient; take a feature that depends on trainable weights, or x:requires_grad_()", name)
  end
  return x
end

---One row of the list `at`: a tensor, {name, tensor} or {name, {tensors}} -> {name, tensors}.
local function place_of(row, i)
  if core.is_tensor(row) then return { name = tostring(i), tensors = { check_tensor(row, "number " .. i) } } end
  if type(row) ~= "table" or type(row[1]) ~= "string" then
    misuse("conflict: at: number %d is neither a tensor nor {name, tensor} nor {name, {tensors}}", i)
  end
  local place = { name = row[1], tensors = {} }
  local list = core.is_tensor(row[2]) and { row[2] } or row[2]
  if type(list) ~= "table" or #list == 0 then misuse("conflict: at: %s names no tensor", row[1]) end
  for k, x in ipairs(list) do place.tensors[k] = check_tensor(x, row[1]) end
  return place
end

local function places_of(at)
  if core.is_tensor(at) then return { place_of({ "at", at }, 1) } end
  if type(at) ~= "table" or #at == 0 then
    misuse "conflict: at is a tensor or a list of tensors, {name, tensor} or {name, {tensors}}"
  end
  local places = {}
  for i, row in ipairs(at) do places[i] = place_of(row, i) end
  return places
end

---------------------------------------------------------------------------------------------------- one step

---<a, b> of two lists of arrays, as a function that reads it: a compiled step reads where it calls what is live.
local function inner(a, b)
  local sums = {}
  for i = 1, #a do sums[i] = (a[i] * b[i]):sum() end
  return function()
    local sum = 0
    for _, x in ipairs(sums) do sum = sum + x:item() end
    return sum
  end
end

---Norms and cosines from Gram matrices: gram[k][l] = <g_k, g_l>.
local function angles_of(gram)
  local norms, cosines = {}, {}
  for k = 1, #gram do norms[k] = math.sqrt(gram[k][k]) end
  for k = 1, #gram do
    cosines[k] = {}
    for l = 1, #gram do
      local scale = norms[k] * norms[l]
      cosines[k][l] = scale > 0 and gram[k][l] / scale or 0
    end
  end
  return { cosine = cosines[1][2], cosines = cosines, norms = norms }
end

local function gram_of(gradients)
  local gram = {}
  for k = 1, #gradients do
    gram[k] = {}
    for l = 1, #gradients do gram[k][l] = l < k and gram[l][k] or inner(gradients[k], gradients[l]) end
  end
  return gram
end

---Gram matrices of numbers, from those of functions: of all places together, and of each.
local function read_all(grams, n)
  local total, each = {}, {}
  for p, gram in ipairs(grams) do
    each[p] = {}
    for k = 1, n do
      each[p][k], total[k] = {}, total[k] or {}
      for l = 1, n do
        each[p][k][l] = l < k and each[p][l][k] or gram[k][l]()
        total[k][l] = (total[k][l] or 0) + each[p][k][l]
      end
    end
  end
  return total, each
end

---gradients[k][p][i]: of loss k, at tensor i of place p.
local function gradients_of(losses, places)
  local all, found = {}, {}
  for _, place in ipairs(places) do table.move(place.tensors, 1, #place.tensors, #all + 1, all) end
  for k, loss in ipairs(losses) do
    if not core.is_tensor(loss) then misuse("conflict: loss %d is a %s, not a tensor", k, type(loss)) end
    local flat, first = core.grad(loss, all), 1
    found[k] = {}
    for p, place in ipairs(places) do
      found[k][p] = table.move(flat, first, first + #place.tensors - 1, 1, {})
      first = first + #place.tensors
    end
  end
  return found
end

local function flat(x) return x.ndim == 2 and x or x:reshape(x:size(1), -1) end

---The gradients, and the share of examples, rows of the first dimension, whose cosine is below 0: a tensor.
local function by_example(step, g)
  step.gradients = { g[1][1][1] }
  for k = 2, #g do step.gradients[k] = g[k][1][1] end
  if step.gradients[1].ndim == 0 then return end
  step.examples = derived.cosine_similarity(flat(g[1][1][1]), flat(g[2][1][1]), 2, 1e-30)
  return step.examples:lt(0):to("float32"):mean()
end

---The numbers of a step, without tensors.
local function plain(step)
  return { cosine = step.cosine, cosines = step.cosines, norms = step.norms, layers = step.layers,
           fraction_negative = step.fraction_negative }
end

---How several losses pull on what they share, at one step.
---    g_k = dL_k / dz,   cos(g_k, g_l) = <g_k, g_l> / (|g_k| |g_l|)
---EQ: Han et al. 2026, arXiv:2603.04803, eq. 11
---
---    local c = rp.conflict{losses = {l_con, l_rec}, at = z}
---    c.cosine, c.norms[1], c.norms[2], c.fraction_negative
---    local d = rp.conflict{losses = {l_con, l_rec}, at = f:named_parameters()}
---    d.cosine, d.layers[1].name, d.layers[1].cosine
---The graph is kept and no .grad is touched.  `at` is a feature (B, ...), or a list of tensors, {name, tensor} or
---{name, {tensors}}: parameters, or the parameters of layers, which may differ in shape.  The result holds cosine, of the first
---two losses; cosines[k][l], of all pairs; norms, one a loss; all of them over everything in `at` together, and
---layers[p] = {name, cosine, cosines, norms} for each place of a list.  For one tensor it also holds gradients; examples (B), the
---cosines of the first two losses row by row; fraction_negative, the share of rows whose cosine is below 0.  The numbers, without
---tensors, are appended to the list `into`, for conflict.summary.  In a step of rp.compile the numbers are those of the latest
---call, to be read in rp.live.
---@param given {losses: Tensor[], at: Tensor|table, into: table?}
---@return table
local function conflict(given)
  local o = options("conflict", given, { losses = false, at = false, into = false })
  if not o.losses or #o.losses < 2 or not o.at then misuse "conflict: give {losses = {l_1, l_2}, at = z}" end
  local places = places_of(o.at)
  local g, grams, step = gradients_of(o.losses, places), {}, {}
  for p = 1, #places do
    local here = {}
    for k = 1, #g do here[k] = g[k][p] end
    grams[p] = gram_of(here)
  end
  local share = core.is_tensor(o.at) and by_example(step, g)
  core.program_live(function()
    local total, each = read_all(grams, #g)
    for name, value in pairs(angles_of(total)) do step[name] = value end
    if share then step.fraction_negative = share:item() end
    if not core.is_tensor(o.at) then
      step.layers = {}
      for p, place in ipairs(places) do
        step.layers[p] = angles_of(each[p])
        step.layers[p].name = place.name
      end
    end
    if o.into then table.insert(o.into, plain(step)) end
  end)
  return step
end

---The trainable parameters of a network, layer by layer, for `at`.
---
---    rp.conflict{losses = {l_con, l_rec}, at = rp.conflict.layers(f)}.layers
---
---@param module Module
---@return table list of {name, {tensors}}: the parameters under one name but for its last word, such as 2.weight and 2.bias
function library.layers(module)
  local list, by_name = {}, {}
  for _, entry in ipairs(module:named_parameters()) do
    if entry.tensor.requires_grad then
      local name = entry.name:match "^(.+)%.[^.]+$" or entry.name
      if not by_name[name] then
        by_name[name] = { name, {} }
        list[#list + 1] = by_name[name]
      end
      table.insert(by_name[name][2], entry.tensor)
    end
  end
  if #list == 0 then misuse("conflict.layers: %s has no trainable parameters", module:describe()) end
  return list
end

------------------------------------------------------------------------------------------------- many steps

local function histogram(cosines, bins)
  local h = { edges = {}, counts = {} }
  for i = 0, bins do h.edges[i + 1] = -1 + 2 * i / bins end
  for i = 1, bins do h.counts[i] = 0 end
  for _, c in ipairs(cosines) do
    local i = math.max(1, math.min(bins, math.floor((c + 1) / 2 * bins) + 1))
    h.counts[i] = h.counts[i] + 1
  end
  return h
end

local function share_below_0(list, first, last)
  local n = 0
  for i = first, last do n = n + (list[i] < 0 and 1 or 0) end
  return last >= first and n / (last - first + 1) or 0
end

---Of the first two losses, over steps of one place.
local function summarised(steps, o)
  local s = { steps = #steps, cosines = {}, parts = {} }
  local ratios, norms = {}, {}
  for i, step in ipairs(steps) do
    s.cosines[i] = step.cosine
    if step.norms[2] > 0 then ratios[#ratios + 1] = step.norms[1] / step.norms[2] end
    for k, norm in ipairs(step.norms) do
      norms[k] = norms[k] or {}
      norms[k][i] = norm
    end
  end
  s.cosine, s.fraction_negative = mean(s.cosines), share_below_0(s.cosines, 1, #steps)
  s.ratio, s.norms = #ratios > 0 and mean(ratios) or math.huge, {}
  for k, list in ipairs(norms) do s.norms[k] = mean(list) end
  for i = 1, o.parts do
    s.parts[i] = share_below_0(s.cosines, (i - 1) * #steps // o.parts + 1, i * #steps // o.parts)
  end
  s.histogram = histogram(s.cosines, o.bins)
  return s
end

local function layer_steps(steps, p)
  local list = {}
  for i, step in ipairs(steps) do
    if not step.layers or not step.layers[p] then misuse("conflict.summary: step %d has other layers than step 1", i) end
    list[i] = step.layers[p]
  end
  return list
end

---Conflict over the steps of a training, as rp.conflict{..., into = steps} has collected them.
---
---    local s = rp.conflict.summary(steps, {bins = 20, parts = 4})
---    axes:bars(...) from s.histogram.edges, s.histogram.counts; s.layers[1].fraction_negative
---
---Of the first two losses: steps, their number; fraction_negative, the share of steps with cos < 0; parts, this share in each of
---equal parts of the training, in order; cosine, norms and ratio = |g_1| / |g_2|, means over the steps (ratio: over those with
---|g_2| > 0, infinite if there are none); cosines, all of them; histogram = {edges (bins + 1 from -1 to 1), counts (bins)}.
---If `at` was a list, layers holds the same for each place, with its name.
---@param steps table
---@param given? {bins: integer, parts: integer}
---@return table
function library.summary(steps, given)
  local o = options("conflict.summary", given, { bins = 20, parts = 4 })
  if type(steps) ~= "table" or #steps == 0 then
    misuse "conflict.summary takes the list that rp.conflict{..., into = list} has filled"
  end
  if o.bins < 1 or o.parts < 1 then misuse("conflict.summary: bins = %s, parts = %s; both are 1 or more", o.bins, o.parts) end
  local s = summarised(steps, o)
  if steps[1].layers then
    s.layers = {}
    for p, layer in ipairs(steps[1].layers) do
      s.layers[p] = summarised(layer_steps(steps, p), o)
      s.layers[p].name = layer.name
    end
  end
  return s
end

return setmetatable(library, { __call = function(_, given) return conflict(given) end })
