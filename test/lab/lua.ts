/** Runs a script of Argo CD's kind in a real Lua: it finds the resource in `obj` and returns its answer. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { commandPath } from './requirements.ts'

/** Prints a value as JSON; an empty table counts as an object. */
const TO_JSON = `
local function json(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\\\]', function(c) return ("\\\\u%04x"):format(c:byte()) end) .. '"'
  elseif type(value) ~= "table" then
    return value == nil and "null" or tostring(value)
  end
  local parts = {}
  if #value > 0 then
    for _, item in ipairs(value) do parts[#parts + 1] = json(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do parts[#parts + 1] = json(key) .. ":" .. json(item) end
  return "{" .. table.concat(parts, ",") .. "}"
end
`

/** What the script returns for a resource, as JSON values. Throws with Lua's own message when it fails. */
export async function runLua(script: string, resource: unknown): Promise<unknown> {
  const program = `${TO_JSON}\nobj = ${literal(resource)}\nprint(json((function()\n${script}\nend)()))`
  const running = promisify(execFile)(commandPath('lua5.4'), ['-'])
  running.child.stdin?.end(program)
  return JSON.parse((await running).stdout)
}

/** A JSON value as a Lua literal. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(literal).join(',')}}`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, item]) => `[${literal(key)}]=${literal(item)}`)
      .join(',')}}`
  if (value === null || value === undefined) return 'nil'
  // Lua reads JSON's escapes but \u0041, which it wants as \u{0041}.
  return JSON.stringify(value).replaceAll(/\\u([\da-f]{4})/g, String.raw`\u{$1}`)
}
