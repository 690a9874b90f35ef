--- A script and its result as one document: report.html, self-contained, and report.md, which GitHub renders.
---
--- Both are functions of the script's text and the result alone; without a result they show the script by itself.
local report = {}

--- The report as one HTML file that needs neither network nor script.
---@param document table from literate.parse
---@param result table|nil from P:finish or rundir.read
---@return string html
function report.html(document, result)
  return require("repro.report.html").page(document, result)
end

--- The report in Markdown, with figures as links into the run directory.
---@param document table
---@param result table|nil
---@param prefix string|nil path of the run directory as seen from the page, with a final "/"; nothing if it lies there
---@return string
function report.markdown(document, result, prefix)
  return require("repro.report.markdown").page(document, result, prefix)
end

return report
