--- repro data: the public data sets: which there are, getting them, looking whether they are right.
local rp = require "repro"
local catalogue = require "repro.data.catalogue"
local console = require "repro.cli.console"
local failure = require "repro.failure"
local fetch = require "repro.data.fetch"
local files = require "repro.files"
local json = require "repro.json"
local nearest = require "repro.nearest"
local options = require "repro.cli.options"
local progress = require "repro.progress"
local where = require "repro.data.files"

local data = {
  name = "data",
  usage = "list | fetch NAME... | verify [NAME...]",
  summary = "Lists, fetches and verifies the public data sets: MNIST, Fashion-MNIST, KMNIST, CIFAR-10, CIFAR-100.",
  details = [[
list shows the sets and how much of them is here; fetch gets those named ("all" for every one), going on with what an
earlier attempt left; verify compares files with their published SHA-256.  Files lie in DIR/NAME, where DIR is that of
--data, else REPRO_DATA, else ./data if it is there, else XDG_DATA_HOME/repro/data (~/.local/share/repro/data).
Exit status: 4 if something is missing or wrong.]],
  options = {
    { name = "data", value = "DIR", help = "the folder of all data" },
    { name = "offline", help = "fetch nothing: look at what is here, and say where the rest is" },
    { name = "mirror", value = "URL", many = true, help = "look at URL/FILE first" },
    { name = "only-mirror", help = "look nowhere but at the places of --mirror" },
    { name = "connect-timeout", value = "T", integer = 1, default = 20, help = "seconds until a server must answer" },
    { name = "stall-timeout", value = "T", integer = 1, default = 30, help = "seconds below 1 kB/s until a transfer is given up" },
    { name = "json", help = "list: print JSON" },
    { name = "quiet", short = "q", help = "no progress" },
  },
}

local function sets_named(names)
  if #names == 0 or names[1] == "all" then return catalogue.sets end
  local sets = {}
  for i, name in ipairs(names) do
    sets[i] = catalogue.find(name)
    if not sets[i] then
      failure.raise("usage", "data: no set is called %s%s", name, nearest.hint(name, catalogue.names()))
    end
  end
  return sets
end

-- What there is of a file: "ok", "missing" or "wrong", and where.
local function look(set, file, folder)
  local place = { folders = where.folders[set.name] or { set.name, "" } }
  local path = where.search(folder, place, { file.name })
  if not path then return "missing", files.join(folder, set.name, file.name) end
  return rp.io.sha256(path) == file.sha256 and "ok" or "wrong", path
end

local function state_of(set, folder)
  local counts = { ok = 0, wrong = 0, missing = 0 }
  for _, file in ipairs(set.files) do
    local state = look(set, file, folder)
    counts[state] = counts[state] + 1
  end
  return counts
end

local function bytes_of(set)
  if set.archive then return set.archive.size end
  local total = 0
  for _, file in ipairs(set.files) do total = total + file.size end
  return total
end

local function in_words(counts, total)
  if counts.ok == total then return "here, as published" end
  if counts.missing == total then return "not here" end
  local words = ("%d of %d files here"):format(counts.ok, total)
  return counts.wrong > 0 and ("%s, %d not as published"):format(words, counts.wrong) or words
end

local function list(given, folder)
  local rows = {}
  for i, set in ipairs(catalogue.sets) do
    local counts = state_of(set, folder)
    rows[i] = { name = set.name, title = set.title, licence = set.licence, download_bytes = bytes_of(set), mirrors = set.mirrors,
                files = set.files, state = in_words(counts, #set.files) }
  end
  if given.json then
    io.stdout:write(json.encode { folder = folder, sets = rows }, "\n")
    return 0
  end
  io.stdout:write("data folder: ", folder, "\n")
  for _, row in ipairs(rows) do
    io.stdout:write(("\n%-14s %s\n    %s, %s, %d mirrors, %d files each with a published SHA-256\n    %s\n"):format(row.name,
      row.title, progress.bytes(row.download_bytes), row.licence, #row.mirrors, #row.files, row.state))
  end
  return 0
end

-- The live line of a transfer.
local function reporter(given, set)
  local live = not given.quiet and console.is_terminal(2)
  local name, started, drawn
  local function clear()
    if live then io.stderr:write "\r\27[K" end
  end
  return {
    begin = function(file) name, started, drawn = set.name .. "/" .. file.name, rp.clock(), 0 end,
    progress = live and function(now, total)
      local clock = rp.clock()
      if clock - drawn < 0.2 then return end
      drawn = clock
      local share = total > 0 and (" %3.0f%%"):format(100 * now / total) or ""
      io.stderr:write(("\r\27[K%s  %s%s  %s/s"):format(name, progress.bytes(now), share,
        progress.bytes(now // math.max(clock - started, 0.1))))
      io.stderr:flush()
    end or nil,
    done = function(_, url)
      clear()
      if not given.quiet then io.stderr:write(name, url and "  from " .. url or "  is here", "\n") end
    end,
  }
end

local function fetch_all(given, names, folder)
  if #names == 0 then
    failure.raise("usage", "data fetch: which? %s, or all", table.concat(catalogue.names(), ", "))
  end
  for _, set in ipairs(sets_named(names)) do
    local report = reporter(given, set)
    local ok, problem = pcall(fetch.set, set, folder, { mirrors = given.mirror, only = given["only-mirror"],
      offline = given.offline, connect = given["connect-timeout"], stall = given["stall-timeout"],
      begin = report.begin, done = report.done, progress = report.progress })
    if not ok then error(problem, 0) end
    io.stdout:write(("%s: here, as published, in %s\n"):format(set.name, files.join(folder, set.name)))
  end
  return 0
end

local function verify(names, folder)
  local bad = 0
  for _, set in ipairs(sets_named(names)) do
    local counts = state_of(set, folder)
    if #names == 0 and counts.missing == #set.files then
      io.stdout:write(set.name, ": not here\n")
    else
      for _, file in ipairs(set.files) do
        local state, path = look(set, file, folder)
        if state ~= "ok" then bad = bad + 1 end
        io.stdout:write(("%-8s %s\n"):format(state, path))
      end
    end
  end
  if bad == 0 then return 0 end
  failure.raise("data", "%d files are missing or not the published ones; repro data fetch gets them anew", bad)
end

--- Runs the command.
---@return integer code
function data.run(given, rest)
  local folder = where.folder(given.data)
  local what, names = rest[1], table.move(rest, 2, #rest, 1, {})
  if what == "list" then
    options.expect(data, rest, 1, 1)
    return list(given, folder)
  end
  if what == "fetch" then return fetch_all(given, names, folder) end
  if what == "verify" then return verify(names, folder) end
  failure.raise("usage", "data: %s\nusage: repro data %s", what and ("%s: expected list, fetch or verify"):format(what)
    or "too few arguments", data.usage)
end

return data
