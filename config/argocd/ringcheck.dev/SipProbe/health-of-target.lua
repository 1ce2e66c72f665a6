-- Whether calls get through: for applications that are well only when their telephony is. Put in place of health.lua.
if obj.spec.suspend then
  return { status = "Suspended", message = "The probe is suspended" }
end
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" and condition.observedGeneration == obj.metadata.generation then
    if condition.status == "False" then
      if condition.reason == "NoAgent" then
        return { status = "Progressing", message = condition.message }
      end
      return { status = "Degraded", message = condition.message }
    end
    if status.health == "Healthy" then
      return { status = "Healthy", message = status.message }
    elseif status.health == "Degraded" or status.health == "Unhealthy" then
      return { status = "Degraded", message = status.message }
    end
    return { status = "Progressing", message = status.message or condition.message }
  end
end
return { status = "Progressing", message = "Not looked at yet" }
