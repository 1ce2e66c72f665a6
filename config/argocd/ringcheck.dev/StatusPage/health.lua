-- The condition Ready of the present generation: whether a status page is served and has all of its probes; what it shows is another matter.
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Ready" and condition.observedGeneration == obj.metadata.generation then
    if condition.status == "True" then
      return { status = "Healthy", message = condition.message }
    elseif condition.status == "False" then
      return { status = "Degraded", message = condition.message }
    end
    return { status = "Progressing", message = condition.message }
  end
end
return { status = "Progressing", message = "Not looked at yet" }
