-- A run is like a Job: it goes on until it has finished, and is well when its verdict is Passed.
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Finished" and condition.status == "True" then
    if status.verdict == "Passed" then
      return { status = "Healthy", message = status.message }
    end
    return { status = "Degraded", message = status.message }
  end
end
return { status = "Progressing", message = status.message or "Not started yet" }
