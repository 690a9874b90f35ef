--- Runs all test files of this directory, or those named.
---
---     lua5.4 tests/lua/run.lua [FILE or NAME...]        (or: repro test)
---
--- As a chunk called with the directory it gives the function that `repro test` calls.
local directory = ...
local is_main = type(directory) ~= "string" or arg and arg[0] and arg[0]:find "run%.lua$" ~= nil
local here = is_main and (arg[0]:match "^(.*)/[^/]*$" or ".") or directory

package.path = here .. "/?.lua;" .. package.path
if is_main then                                            -- a stock Lua; inside repro the package has been found already
  local root = here .. "/../../"
  package.path = root .. "lua/?.lua;" .. root .. "lua/?/init.lua;" .. package.path
  package.cpath = root .. "lib/?.so;" .. package.cpath
end

local T = require "tap"

local function test_names()
  local names = {}
  for _, name in ipairs(require("repro").io.list(here)) do
    if name:find "^test_.*%.lua$" then names[#names + 1] = name end
  end
  return names
end

-- A test's path from a path, "test_nn.lua", "test_nn" or "nn".
local function find(word)
  for _, path in ipairs { word, here .. "/" .. word, here .. "/" .. word .. ".lua", here .. "/test_" .. word .. ".lua" } do
    local file = path:find "%.lua$" and io.open(path)
    if file then
      file:close()
      return path
    end
  end
  return nil
end

local function is_interrupt(message) return tostring(message):find "interrupted$" ~= nil end

local function run_file(path, options)
  T.reset()
  T.finished = false
  local write = T.write
  if options.quiet then
    T.write = function(line)
      if line:find "^not ok" or line:find "^#   " then write(line) end
    end
  end
  write("# " .. (path:match "([^/]+)$"))
  local chunk, message = loadfile(path)
  local ok = chunk ~= nil
  if chunk then ok, message = xpcall(chunk, function(value) return debug.traceback(tostring(value), 2) end) end
  if not ok and is_interrupt(message:match "^[^\n]*") then error(message:match "^[^\n]*", 0) end
  if not ok then
    T.ok(false, "the file runs to its end", message)
  elseif not T.finished then
    T.ok(false, "the file calls T.done()")
  end
  if not T.finished then T.done() end
  T.write = write
end

local function run_all(words, options)
  local paths = {}
  for i, word in ipairs(words) do
    paths[i] = find(word)
    if not paths[i] then
      io.stderr:write("no test ", word, "\n")
      return 2
    end
  end
  if #words == 0 then
    for i, name in ipairs(test_names()) do paths[i] = here .. "/" .. name end
  end
  local passed, failed, skipped = 0, 0, 0
  for _, path in ipairs(paths) do
    run_file(path, options)
    passed, failed, skipped = passed + T.passed, failed + T.failed, skipped + T.skipped
    io.stdout:flush()
  end
  io.stdout:write(("%d passed, %d failed, %d skipped\n"):format(passed, failed, skipped))
  return failed == 0 and passed > 0 and 0 or 1
end

if is_main then os.exit(run_all(arg, {}), true) end
return run_all
