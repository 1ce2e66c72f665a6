-- A probe can be told to call now; a suspended one makes no calls.
return { ["run-now"] = { ["disabled"] = obj.spec.suspend == true } }
