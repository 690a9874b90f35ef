--- Where data files are, and whether they are the published ones.
---
--- The folder is, in this order: option `dir`, the --data of the run, the environment variable REPRO_DATA, "data" if it is there,
--- XDG_DATA_HOME/repro/data.  A set is
--- looked for in its own sub-folders of it, and in the folder itself.  A file whose SHA-256 is published must have it; one
--- whose sum is not known is taken as it is, and the set's note says so.  Failures are of the kind "data" (exit status 4).

local rp = require "repro"
local failure = require "repro.failure"
local inputs = require "repro.inputs"

local files = {}

-- Sub-folders in which the files of a set may lie, the usual one first.
files.folders = {
  mnist = { "mnist", "MNIST/raw", "" }, fashion_mnist = { "fashion_mnist", "fashion-mnist", "FashionMNIST/raw", "" },
  kmnist = { "kmnist", "KMNIST/raw", "" }, cifar10 = { "cifar10", "cifar-10-batches-bin", "" },
  cifar100 = { "cifar100", "cifar-100-binary", "" },
}

-- Where data lies when nobody says: "data" if there is such a folder, else the user's own (XDG Base Directory).
local function usual_folder()
  local home, xdg = os.getenv "HOME", os.getenv "XDG_DATA_HOME"
  if rp.io.exists "data" or not (home or xdg) then return "data" end
  return (xdg and xdg ~= "" and xdg or home .. "/.local/share") .. "/repro/data"
end

--   dir? string the option
--   returns string
function files.folder(dir)
  if dir then return dir end
  local paper = package.loaded["repro.paper"]
  local P = paper and paper.current and paper.current()
  return P and P.data_dir or os.getenv "REPRO_DATA" or usual_folder()
end

local function join(folder, name) return name == "" and folder or folder:gsub("/$", "") .. "/" .. name end

-- The first of some files that is there.
--   folder string
--   set table {folders = sub-folders}
--   names string[] names the file goes by
--   returns string? path
--   returns string[] looked_for
function files.search(folder, set, names)
  local looked_for = {}
  for _, sub in ipairs(set.folders) do
    for _, name in ipairs(names) do
      local path = join(join(folder, sub), name)
      if rp.io.exists(path) then return path, looked_for end
      looked_for[#looked_for + 1] = path
    end
  end
  return nil, looked_for
end

-- The other folders in which files were looked for.
local function other_folders(looked_for)
  local list, before = {}, looked_for[1]:match "^(.*)/"
  for _, path in ipairs(looked_for) do
    local folder = path:match "^(.*)/"
    if folder ~= before then list[#list + 1] = folder end
    before = folder
  end
  return #list > 0 and ", nor in " .. table.concat(list, " or ") or ""
end

-- Raises: what was looked for, and where to get it.
--   set table {name, source = where to get it}
--   looked_for string[]
function files.missing(set, looked_for)
  local path = looked_for[1]
  local fetched = files.folders[set.name] and ("\n  repro data fetch %s gets it"):format(set.name) or ""
  failure.raise("data", "%s: there is no file %s%s" .. fetched .. "\n  get it from %s\n  and say where it is with "
    .. "--data DIR, REPRO_DATA or {dir = ...}: DIR/%s", set.name, path, other_folders(looked_for), set.source,
    path:match "([^/]+/[^/]+)$" or path)
end

-- Path of a file that must be there.
function files.find(folder, set, names)
  local path, looked_for = files.search(folder, set, names)
  return path or files.missing(set, looked_for)
end

-- Compares a file with its published sums.
--   set table {name, sums = file name -> SHA-256 -> true or a remark}
--   path string
--   strict boolean false: another sum is noted, not refused
--   returns table {path, sha256, verified: boolean, note}
function files.verify(set, path, strict)
  local known = set.sums[path:match "[^/]+$"]
  local sum = rp.io.sha256(path)
  inputs.note("data", path, sum)
  local remark = known and known[sum]
  if remark then
    return { path = path, sha256 = sum, verified = remark == true, note = remark == true and "as published" or remark }
  elseif known and strict then
    local first
    for published, kind in pairs(known) do
      if kind == true then first = published end
    end
    failure.raise("data", "%s: %s is not the published file: its SHA-256 is\n  %s\n  and should be\n  %s\n  get it again from %s,"
      .. " or take it as it is with {verify = false}", set.name, path, sum, first, set.source)
  end
  return { path = path, sha256 = sum, verified = false,
           note = known and "differs from the published file" or "no published SHA-256 is known: not verified" }
end

-- One sentence on the files of a set.
--   list table[] from verify
--   returns string
function files.note(list)
  local words = {}
  for i, file in ipairs(list) do words[i] = file.path:match "[^/]+$" .. " (" .. file.note .. ")" end
  return table.concat(words, ", ")
end

return files
