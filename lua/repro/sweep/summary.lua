--- The results of a sweep as a table and as a plot: means over seeds, with their range.
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local runs = require "repro.runs"
local short = require("repro.sweep.grid").short

local summary = {}

-- Cells that differ in nothing but the seed, in the order of the sweep: array of {values, results}.
local function groups_of(cells, names)
  local groups, by_key = {}, {}
  for _, cell in ipairs(cells) do
    local words = {}
    for i, name in ipairs(names) do words[i] = tostring(cell.values[name]) end
    local key = table.concat(words, "\0")
    local group = by_key[key]
    if not group then
      group = { values = cell.values, results = {} }
      by_key[key], groups[#groups + 1] = group, group
    end
    if cell.result then table.insert(group.results, cell.result) end
  end
  return groups
end

-- "nmi", or "dcr.nmi" in a result that holds tables.
local function metric_of(result, metric)
  local value = result[metric]
  if value ~= nil then return value end
  value = result
  for key in metric:gmatch "[^.]+" do
    if type(value) ~= "table" then return nil end
    value = value[key]
  end
  return value
end

-- A metric of each result of a group.
local function column(group, metric)
  local list = {}
  for i, result in ipairs(group.results) do
    local value = metric_of(result, metric)
    if value == nil then
      local known = {}
      for name in next, result do known[#known + 1] = tostring(name) end
      misuse("sweep: the cells measure no %s%s", metric, nearest.hint(metric, known))
    end
    if type(value) ~= "number" then misuse("sweep: %s is a %s, not a number", metric, type(value)) end
    list[i] = value
  end
  return list
end

local function cell_text(list, form)
  return #list == 0 and "failed" or runs.text(list, form)
end

local function check_metrics(metrics)
  if type(metrics) ~= "table" or #metrics == 0 then
    misuse 'sweep:table takes the names of what the cells measured, such as sweep:table{"nmi", "acc"}'
  end
end

--- What P:table takes: the settings, then each metric as "mean (least to greatest)" over the seeds.
---@param cells table
---@param names string[] settings
---@param metrics table names; {"nmi", label = "NMI"} gives a name a heading; format = "%.3f"; "dcr.nmi" looks into tables
---@return table {header, rows}
function summary.table(cells, names, metrics)
  check_metrics(metrics)
  local header, rows = { table.unpack(names) }, {}
  for _, metric in ipairs(metrics) do
    header[#header + 1] = type(metric) == "table" and (metric.label or metric[1]) or metric
  end
  for _, group in ipairs(groups_of(cells, names)) do
    local row = {}
    for i, name in ipairs(names) do row[i] = group.values[name] == nil and "" or short(group.values[name]) end
    for _, metric in ipairs(metrics) do
      local key = type(metric) == "table" and metric[1] or metric
      row[#row + 1] = cell_text(column(group, key), type(metric) == "table" and metric.format or metrics.format or "%.3f")
    end
    rows[#rows + 1] = row
  end
  return { header = header, rows = rows }
end

--- The results of the cells with given values: one number a seed.
---@param cells table
---@param metric string
---@param where table|nil setting -> value
---@return number[]
function summary.values(cells, metric, where)
  local chosen = { results = {} }
  for _, cell in ipairs(cells) do
    local fits = cell.result ~= nil
    for name, value in next, where or {} do fits = fits and cell.values[name] == value end
    if fits then table.insert(chosen.results, cell.result) end
  end
  return column(chosen, metric)
end

--- Such a text as stands in a table: "mean (least to greatest)" over the seeds.
---@param cells table
---@param metric string
---@param where table|nil setting -> value
---@param form string|nil default "%.3f"
---@return string
function summary.text(cells, metric, where, form)
  return cell_text(summary.values(cells, metric, where), form or "%.3f")
end

-- Groups that share the values of all settings but x and the ones averaged over: one curve each, sorted by x.
local function curves_of(groups, names, x)
  local curves, by_key = {}, {}
  for _, group in ipairs(groups) do
    local words = {}
    for _, name in ipairs(names) do
      if name ~= x and group.values[name] ~= nil then words[#words + 1] = name .. " = " .. short(group.values[name]) end
    end
    local key = table.concat(words, ", ")
    if not by_key[key] then
      by_key[key] = { label = key, groups = {} }
      curves[#curves + 1] = by_key[key]
    end
    if type(group.values[x]) ~= "number" then misuse("sweep:plot: %s is not a number in every cell", x) end
    if #group.results > 0 then table.insert(by_key[key].groups, group) end
  end
  for _, curve in ipairs(curves) do table.sort(curve.groups, function(a, b) return a.values[x] < b.values[x] end) end
  return curves
end

local markers = { "circle", "square", "triangle", "diamond", "cross", "plus" }

local function draw(axes, curve, metric, label, marker, x)
  local at, means, lows, highs = {}, {}, {}, {}
  for i, group in ipairs(curve.groups) do
    at[i] = group.values[x]
    local list = column(group, metric)
    means[i], lows[i], highs[i] = runs.mean(list), runs.range(list)
  end
  if #at == 0 then return end
  axes:line(at, means, { label = label, marker = marker, band = #curve.groups[1].results > 1 and { lows, highs } or nil })
end

--- A figure for P:figure: metrics over a setting, means as lines, the range over seeds as a band.
---@param cells table
---@param names string[] settings
---@param options table {x = setting, y = metric or metrics, xscale =, yscale =, xlabel =, ylabel =, title =, width =, height =,
---  draw = function(axes) that adds to it}
---@return table figure
function summary.plot(cells, names, options)
  if type(options) ~= "table" or not options.x or not options.y then
    misuse 'sweep:plot takes {x = a setting, y = what was measured}'
  end
  local known = false
  for _, name in ipairs(names) do known = known or name == options.x end
  if not known then misuse("sweep:plot: there is no setting %s%s", options.x, nearest.hint(options.x, names)) end
  local metrics = type(options.y) == "table" and options.y or { options.y }
  local figure = require("repro.plot").figure { title = options.title, width = options.width or 560,
                                                height = options.height or 340 }
  local axes = figure:axes { xlabel = options.xlabel or options.x, ylabel = options.ylabel or table.concat(metrics, ", "),
                             xscale = options.xscale, yscale = options.yscale, legend = options.legend }
  local count = 0
  for _, curve in ipairs(curves_of(groups_of(cells, names), names, options.x)) do
    for _, metric in ipairs(metrics) do
      count = count + 1
      local label = #metrics > 1 and curve.label ~= "" and metric .. ", " .. curve.label or #metrics > 1 and metric or curve.label
      draw(axes, curve, metric, label ~= "" and label or nil, markers[(count - 1) % #markers + 1], options.x)
    end
  end
  if options.draw then options.draw(axes) end
  return figure
end

return summary
