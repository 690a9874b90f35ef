--- Gets a file from one of several mirrors: goes on where an earlier attempt stopped, and gives the file its name only when its
--- SHA-256 is right.
---
--- While it is on its way the file is NAME.part, beside it NAME.part.from: the address and the ETag, by which the server can
--- tell whether the rest still belongs to it.  What other mirrors sent is gone on with too: the sum decides in the end.
local rp = require "repro"
local failure = require "repro.failure"
local files = require "repro.files"

local fetch = {}

local function size_of(path)
  local handle = io.open(path, "rb")
  if not handle then return 0 end
  local size = handle:seek "end"
  handle:close()
  return size or 0
end

local function forget(path)
  rp.io.remove(path .. ".part")
  rp.io.remove(path .. ".part.from")
end

local function etag_of(path, url)
  local text = files.read(path .. ".part.from")
  local from, etag = (text or ""):match "^([^\n]*)\n([^\n]*)"
  return from == url and etag ~= "" and etag or nil
end

-- One transfer: "done", "again" (worth another attempt here) or "next" (another mirror), and why.
local function attempt(file, path, url, options)
  local part = path .. ".part"
  local from = size_of(part)
  if from >= file.size then from = 0 end
  local got, message = rp.core.fetch.transfer {
    url = url, path = part, from = from, etag = from > 0 and etag_of(path, url) or nil, most = file.size,
    connect = options.connect, stall = options.stall, agent = "repro/" .. rp.version, progress = options.progress }
  local good = got.status == 200 or got.status == 206
  if good then files.write(path .. ".part.from", url .. "\n" .. got.etag .. "\n") end
  if not message and got.status == 416 then
    forget(path)
    return "again", "HTTP status 416: it has no such part"
  elseif not message and not good then
    return got.status >= 500 and "again" or "next", "HTTP status " .. got.status
  elseif good and size_of(part) < file.size then
    local why = message and message:gsub("^" .. url:gsub("%p", "%%%0") .. ": ", "") or "the connection ended early"
    return size_of(part) > from and "again" or "next", ("%s, with %d of %d bytes here"):format(why, size_of(part), file.size)
  elseif message then
    if size_of(part) >= file.size then forget(path) end
    return "next", (message:gsub("^" .. url:gsub("%p", "%%%0") .. ": ", ""))
  end
  local sum = rp.io.sha256(part)
  if sum == file.sha256 then return "done" end
  forget(path)
  return got.begin > 0 and "again" or "next", ("SHA-256 %s..., not %s..."):format(sum:sub(1, 16), file.sha256:sub(1, 16))
end

-- Every mirror in turn; within one as long as it is worth while.
local function from_mirrors(file, path, mirrors, options)
  local reasons = {}
  for _, mirror in ipairs(mirrors) do
    local url = mirror:gsub("/?$", "/") .. file.name
    for _ = 1, options.tries or 4 do
      local what, why = attempt(file, path, url, options)
      if what == "done" then return url end
      reasons[#reasons + 1] = ("  %s\n    %s"):format(url, why)
      if what == "next" then break end
    end
  end
  return nil, reasons
end

--- Makes sure that a file is there and is the published one.
---@param file table {name, size, sha256}
---@param path string where it belongs
---@param mirrors string[] addresses of folders
---@param options table {connect, stall = seconds, tries = attempts at one mirror, offline, progress = function(now, total)}
---@return string|nil url from where it came; nil if it was there
function fetch.file(file, path, mirrors, options)
  if files.exists(path) and rp.io.sha256(path) == file.sha256 then return nil end
  local urls = {}
  for i, mirror in ipairs(mirrors) do urls[i] = "  " .. mirror:gsub("/?$", "/") .. file.name end
  local by_hand = ("get it by hand and put it at %s; it is at\n%s"):format(path, table.concat(urls, "\n"))
  if options.offline then failure.raise("data", "%s is not here, and --offline keeps from fetching it; %s", file.name, by_hand) end
  local version, none = rp.core.fetch.library()
  if not version then failure.raise("environment", "%s\n%s: %s", none, file.name, by_hand) end
  files.make_directory(files.directory(path))
  local url, reasons = from_mirrors(file, path, mirrors, options)
  if not url then
    failure.raise("data", "%s could not be fetched:\n%s\nanother attempt goes on from what is here (%d of %d bytes)", file.name,
      table.concat(reasons, "\n"), size_of(path .. ".part"), file.size)
  end
  rp.system.rename(path .. ".part", path)
  rp.io.remove(path .. ".part.from")
  return url
end

-- Whether all files of a set are here and right.
local function is_whole(set, folder)
  for _, file in ipairs(set.files) do
    local path = files.join(folder, set.name, file.name)
    if not files.exists(path) or rp.io.sha256(path) ~= file.sha256 then return false end
  end
  return true
end

local function unpack_archive(set, folder, path)
  local names = {}
  for i, file in ipairs(set.files) do names[i] = file.name end
  local found = rp.core.fetch.untar(path, files.join(folder, set.name), names)
  for _, file in ipairs(set.files) do
    local target = files.join(folder, set.name, file.name)
    if not found[file.name] or rp.io.sha256(target) ~= file.sha256 then
      failure.raise("data", "%s: %s in it is %s", path, file.name, found[file.name] and "not the published one" or "missing")
    end
  end
  rp.io.remove(path)
end

--- Gets what is missing of a set.
---@param set table of the catalogue
---@param folder string the data folder; the files lie in FOLDER/NAME
---@param options table as for fetch.file, and mirrors = addresses tried first, only = true: no others,
---  begin = function(file): called before each file, done = function(file, url): after it
function fetch.set(set, folder, options)
  local mirrors = table.move(options.mirrors or {}, 1, #(options.mirrors or {}), 1, {})
  if not options.only then table.move(set.mirrors, 1, #set.mirrors, #mirrors + 1, mirrors) end
  if set.archive and is_whole(set, folder) then return end
  for _, file in ipairs(set.archive and { set.archive } or set.files) do
    local path = files.join(folder, set.name, file.name)
    options.begin(file)
    options.done(file, fetch.file(file, path, mirrors, options))
    if set.archive then unpack_archive(set, folder, path) end
  end
end

return fetch
