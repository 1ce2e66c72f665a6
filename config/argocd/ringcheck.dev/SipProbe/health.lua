-- Whether Ringcheck can call, not whether calls get through: a dead trunk is no fault of what was deployed.
-- Agents that are being started are waited for. health-of-target.lua is for who wants it the other way.
if obj.spec.suspend then
  return { status = "Suspended", message = "The probe is suspended" }
end
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Ready" and condition.observedGeneration == obj.metadata.generation then
    if condition.status == "True" then
      return { status = "Healthy", message = condition.message }
    elseif condition.status == "False" and condition.reason ~= "NoAgent" then
      return { status = "Degraded", message = condition.message }
    end
    return { status = "Progressing", message = condition.message }
  end
end
return { status = "Progressing", message = "Not looked at yet" }
