-- A small editor plugin that speaks the Teamtype protocol in Neovim, as the documentation of the
-- protocol has it: for tests. It knows files that end with a line feed only.

local Client = {}
local namespace = vim.api.nvim_create_namespace("quire-test")
local carets = {}
local errors = {}
local opened = false
local ours, theirs = 0, 0 -- the editor's revision, and the daemon's
local applying = false
local rpc, buffer, uri

local function request(method, params, answered)
  params.uri = uri
  rpc.request(method, params, function(err, result)
    if err then
      table.insert(errors, err.message)
    elseif answered then
      answered()
    end
  end)
end

local function show(params)
  for _, id in ipairs(carets[params.userid] or {}) do
    vim.api.nvim_buf_del_extmark(buffer, namespace, id)
  end
  carets[params.userid] = {}
  for _, range in ipairs(params.ranges) do
    local column = vim.lsp.util._get_line_byte_from_position(buffer, range["end"], "utf-32")
    local mark = { virt_text = { { params.name or "?", "Comment" } } }
    local id = vim.api.nvim_buf_set_extmark(buffer, namespace, range["end"].line, column, mark)
    table.insert(carets[params.userid], id)
  end
end

local function on_notification(method, params)
  if method == "cursor" then
    show(params)
  elseif method == "edit" and params.revision == ours then
    local edits = {}
    for _, step in ipairs(params.delta) do
      table.insert(edits, { range = step.range, newText = step.replacement })
    end
    applying = true
    vim.lsp.util.apply_text_edits(edits, buffer, "utf-32")
    applying = false
    theirs = theirs + 1
  end
end

local function on_lines(_, _, _, first, last, new_last)
  if applying then
    return
  end
  local lines = vim.api.nvim_buf_get_lines(buffer, first, new_last, true)
  table.insert(lines, "")
  ours = ours + 1
  local range = { start = { line = first, character = 0 }, ["end"] = { line = last, character = 0 } }
  local delta = { { range = range, replacement = table.concat(lines, "\n") } }
  request("edit", { revision = theirs, delta = delta })
end

local function on_moved()
  local range = vim.lsp.util.make_range_params(0, "utf-32").range
  request("cursor", { ranges = { range } })
end

function Client.start(command)
  buffer = vim.api.nvim_get_current_buf()
  uri = vim.uri_from_bufnr(buffer)
  local dispatchers = {
    notification = function(method, params)
      vim.schedule(function()
        on_notification(method, params)
      end)
    end,
  }
  local arguments = { unpack(command, 2) }
  rpc = vim.lsp.rpc.start(command[1], arguments, dispatchers)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, true)
  table.insert(lines, "")
  request("open", { content = table.concat(lines, "\n") }, function()
    vim.schedule(function()
      vim.api.nvim_buf_attach(buffer, false, { on_lines = on_lines })
      local events = { "CursorMoved", "CursorMovedI" }
      vim.api.nvim_create_autocmd(events, { buffer = buffer, callback = on_moved })
      opened = true
    end)
  end)
end

function Client.state()
  local shown = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buffer, namespace, 0, -1, { details = true })) do
    table.insert(shown, { mark[4].virt_text[1][1], mark[2], mark[3] })
  end
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, true)
  local state = { lines = lines, carets = shown, opened = opened, errors = errors }
  return vim.json.encode(state)
end

Quire = Client
